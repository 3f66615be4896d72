#include "durable/snapshot.h"

#include <cerrno>
#include <utility>

#include "crypto/digest.h"
#include "durable/damage.h"
#include "fs/io.h"

namespace lockstep::durable {

namespace {

Result<std::unique_ptr<fs::Directory>> open_control(fs::FileSystem& files, const std::string& store_path) {
  const std::string absolute = TRY(files.absolute_path(store_path));
  auto store = files.open_directory(absolute);
  auto control = store ? (*store)->open_directory(kControlDirectory) : std::move(store);
  if (control) return control;
  if (control.error().system_errno == ENOENT) {
    return fail(ErrorCode::not_found, "'" + absolute + "' holds no store of Lockstep");
  }
  return fail(std::move(control).error());
}

}  // namespace

Result<std::optional<Generation>> read_pointer(fs::Directory& control, const std::string& pointer) {
  const std::string path = fs::join_path(control.path(), pointer);
  auto target = control.read_symlink(pointer);
  if (!target) {
    if (target.error().system_errno == ENOENT) return std::optional<Generation>();
    if (target.error().system_errno == EINVAL) {
      return fail(ErrorCode::damaged, "'" + path + "' is not a symbolic link", "run 'lockstep doctor'");
    }
    return fail(std::move(target).error());
  }
  const auto generation = parse_generation_name(*target);
  if (!generation) {
    return fail(ErrorCode::damaged, "'" + path + "' points at '" + *target + "', which is no generation",
                "run 'lockstep doctor'");
  }
  return generation;
}

Result<bool> is_foreign_generation(fs::Directory& control, Generation generation, const std::string& kind) {
  const std::unique_ptr<fs::Directory> directory = TRY(control.open_directory(generation_name(generation)));
  const auto text = fs::read_file(*directory, kManifestFile, kManifestLimit);
  if (!text && is_damage(text.error())) return false;
  if (!text) return fail(text.error());
  const auto manifest = parse_manifest(*text, kManifestFile);
  return manifest && (manifest->generation != generation || (!kind.empty() && manifest->kind != kind));
}

Status make_pointer_durable(fs::FileSystem& files, const std::string& store_path) {
  const std::unique_ptr<fs::Directory> control = TRY(open_control(files, store_path));
  return control->sync();
}

Result<Snapshot> Snapshot::open_generation(fs::Directory& control, Generation generation) {
  auto directory = control.open_directory(generation_name(generation));
  if (!directory) {
    if (directory.error().system_errno != ENOENT) return fail(std::move(directory).error());
    return fail(ErrorCode::damaged,
                "generation " + std::to_string(generation) + " is missing from '" + control.path() + "'",
                "run 'lockstep doctor'");
  }
  // A collector skips what is share-locked. Losing this race to it shows as missing files, and the caller looks again.
  const bool pinned = TRY((*directory)->try_lock(fs::LockKind::shared));
  if (!pinned) {
    return fail(ErrorCode::damaged, "generation " + std::to_string(generation) + " is being removed");
  }
  // A lock that came too late, on what a collector has renamed already and was killed over, pins nothing.
  const fs::Stat opened = TRY((*directory)->stat());
  const auto named = control.stat_entry(generation_name(generation));
  if (!named && named.error().system_errno != ENOENT) return fail(named.error());
  if (!named || named->inode != opened.inode) {
    return fail(ErrorCode::damaged, "generation " + std::to_string(generation) + " is being removed");
  }
  auto text = fs::read_file(**directory, kManifestFile, kManifestLimit);
  const std::string name = fs::join_path((*directory)->path(), kManifestFile);
  if (!text) {
    const int why = text.error().system_errno;
    if (why != ENOENT && why != 0) return fail(std::move(text).error());
    return fail(ErrorCode::damaged, "'" + name + "' is missing or not readable as a manifest", "run 'lockstep doctor'");
  }
  Manifest manifest = TRY(parse_manifest(*text, name));
  if (manifest.generation != generation) {
    return fail(ErrorCode::damaged,
                "'" + name + "' is the manifest of generation " + std::to_string(manifest.generation));
  }
  return Snapshot(std::move(*directory), std::move(manifest));
}

Result<Snapshot> Snapshot::open(fs::FileSystem& files, const std::string& store_path) {
  const std::unique_ptr<fs::Directory> control = TRY(open_control(files, store_path));
  std::optional<Generation> last;
  bool looked_again = false;
  for (;;) {
    const std::optional<Generation> generation = TRY(read_pointer(*control, kCurrentPointer));
    if (!generation) {
      const bool committed = TRY(fs::entry_exists(*control, kHistoryFile));
      // The first commit may have come between the two looks.
      if (committed && !std::exchange(looked_again, true)) continue;
      if (committed) {
        return fail(ErrorCode::damaged,
                    "'" + fs::join_path(control->path(), kCurrentPointer) + "' is missing, though generations exist",
                    "run 'lockstep doctor --repair'");
      }
      return fail(ErrorCode::not_found, "nothing was ever committed to the store in '" + store_path + "'");
    }
    Result<Snapshot> snapshot = open_generation(*control, *generation);
    // Between reading the pointer and opening what it names, writers may have moved on and collected it. If the
    // pointer has not moved since, it is damage.
    if (snapshot || snapshot.error().code != ErrorCode::damaged || last == generation) return snapshot;
    last = generation;
  }
}

Error Snapshot::edited(const std::string& name) const {
  return Error{ErrorCode::edited_by_hand,
               "'" + fs::join_path(path(), name) + "' is not what was committed: it was edited by hand or is damaged",
               "put the old content back, or take the edit over with 'lockstep doctor --adopt'", 0};
}

Result<std::unique_ptr<fs::File>> Snapshot::open_member(const std::string& name) const {
  if (!has(name)) {
    return fail(ErrorCode::not_found, "generation " + std::to_string(generation()) + " has no member '" + name + "'");
  }
  auto file = directory_->open_file(name, fs::OpenMode::read);
  if (!file && (file.error().system_errno == ENOENT || file.error().system_errno == ELOOP)) return fail(edited(name));
  return file;
}

Result<std::string> Snapshot::read_unchecked(const std::string& name, std::size_t limit) const {
  const std::unique_ptr<fs::File> file = TRY(open_member(name));
  const fs::Stat stat = TRY(file->stat());
  if (stat.type != fs::FileType::regular) return fail(edited(name));
  return fs::read_all(*file, limit);
}

Result<std::string> Snapshot::read(const std::string& name, std::size_t limit) const {
  std::string content = TRY(read_unchecked(name, limit));
  const ManifestMember* member = manifest_.find(name);
  if (content.size() != member->size || crypto::sha256_hex(content) != member->sha256) return fail(edited(name));
  return content;
}

Status Snapshot::read_pieces(const std::string& name, const std::function<Status(std::string_view)>& consume) const {
  const std::unique_ptr<fs::File> file = TRY(open_member(name));
  const fs::Stat stat = TRY(file->stat());
  const ManifestMember* member = manifest_.find(name);
  if (stat.type != fs::FileType::regular || stat.size != member->size) return fail(edited(name));
  crypto::Sha256 digest;
  TRY(fs::read_pieces(*file, [&](std::string_view piece) {
    digest.update(piece);
    return consume(piece);
  }));
  if (digest.finish_hex() != member->sha256) return fail(edited(name));
  return {};
}

Status Snapshot::verify_member(const std::string& name) const {
  return read_pieces(name, [](std::string_view) { return Status(); });
}

Status Snapshot::verify() const {
  for (const ManifestMember& member : manifest_.members) {
    TRY(read_pieces(member.name, [](std::string_view) { return Status(); }));
  }
  return {};
}

}  // namespace lockstep::durable
