#include "durable/atomic_file.h"

#include <cerrno>

#include "durable/file_attributes.h"
#include "durable/layout.h"
#include "durable/temporary.h"
#include "fs/io.h"

namespace lockstep::durable {

namespace {

bool is_text(std::string_view text) {
  // Well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF; and no NUL.
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    std::size_t length = 1;
    std::uint32_t point = lead;
    if (lead == 0) return false;
    if (lead >= 0x80) {
      if (lead >= 0xc2 && lead <= 0xdf) {
        length = 2;
        point = lead & 0x1fU;
      } else if (lead >= 0xe0 && lead <= 0xef) {
        length = 3;
        point = lead & 0x0fU;
      } else if (lead >= 0xf0 && lead <= 0xf4) {
        length = 4;
        point = lead & 0x07U;
      } else
        return false;
    }
    if (i + length > text.size()) return false;
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0U) != 0x80U) return false;
      point = (point << 6U) | (next & 0x3fU);
    }
    if (length == 3 && (point < 0x800 || (point >= 0xd800 && point <= 0xdfff))) return false;
    if (length == 4 && (point < 0x10000 || point > 0x10ffff)) return false;
    i += length;
  }
  return true;
}

// The attributes the new file gets: those asked for, else those of the file it replaces, else 0600.
Result<FileAttributes> wanted_attributes(fs::Directory& directory, const std::string& name,
                                         const AtomicWriteOptions& options) {
  FileAttributes attributes;
  auto existing = directory.open_file(name, fs::OpenMode::read);
  if (existing) {
    const fs::Stat stat = TRY((*existing)->stat());
    if (stat.type != fs::FileType::regular) {
      return fail(ErrorCode::foreign_file, "'" + (*existing)->path() + "' is not a regular file; it is not replaced");
    }
    attributes = TRY(read_attributes(**existing));
  } else if (existing.error().system_errno != ENOENT) {
    return fail(std::move(existing).error());
  }
  if (options.mode || !attributes.mode) attributes.mode = options.mode.value_or(0600);
  if (options.uid) attributes.uid = options.uid;
  if (options.gid) attributes.gid = options.gid;
  return attributes;
}

Status fill(Temporary& temporary, std::string_view bytes, const FileAttributes& attributes) {
  TRY(fs::write_all(*temporary.file, bytes));
  TRY(apply_attributes(*temporary.file, attributes));
  // Data and inode must be on disk before a name leads to them, or a power cut leaves an empty file under it.
  return temporary.file->sync();
}

}  // namespace

namespace {

// The names of a store are links into its generations: following them would change a generation behind the store's
// back.
Status refuse_inside_store(const std::string& path, const std::string& directory) {
  const std::string control = std::string("/") + kControlDirectory;
  const std::size_t at = (directory + "/").find(control + "/");
  if (at == std::string::npos) return {};
  return fail(ErrorCode::foreign_file,
              "'" + path + "' leads into the store '" + directory.substr(0, at) +
                  "', which is changed by its own commands only",
              "name another file");
}

}  // namespace

Result<ResolvedTarget> resolve_target(fs::FileSystem& files, const std::string& path) {
  constexpr int kLinkLimit = 40;  // the kernel's own
  std::string target = TRY(files.absolute_path(path));
  for (int depth = 0; depth <= kLinkLimit; ++depth) {
    const fs::SplitPath split = fs::split_path(target);
    if (!fs::is_single_component(split.name)) {
      return fail(ErrorCode::invalid_argument, "'" + path + "' does not name a file");
    }
    const std::string parent = TRY(files.real_path(split.parent));
    TRY(refuse_inside_store(path, parent));
    auto stat = files.stat_path(fs::join_path(parent, split.name));
    if (!stat && stat.error().system_errno != ENOENT) return fail(std::move(stat).error());
    if (!stat || stat->type != fs::FileType::symlink) return ResolvedTarget{parent, split.name};
    const std::unique_ptr<fs::Directory> directory = TRY(files.open_directory(parent));
    const std::string link = TRY(directory->read_symlink(split.name));
    target = link.starts_with('/') ? link : fs::join_path(parent, link);
  }
  return fail(system_error(ELOOP, "cannot resolve '" + path + "'"));
}

Status atomic_write_in(Runtime& runtime, fs::Directory& directory, const std::string& name, std::string_view bytes,
                       const AtomicWriteOptions& options) {
  const FileAttributes attributes = TRY(wanted_attributes(directory, name, options));
  TRY(sweep_temporaries(directory, [&](const std::string& owner) { return owner == name; }));
  Temporary temporary = TRY(create_temporary(runtime, directory, name));
  Status status = fill(temporary, bytes, attributes);
  if (status) {
    // The temporary stays open, and so locked, until it has its final name: a sweep must not take it before.
    status = options.replace ? directory.rename(temporary.name, directory, name)
                             : directory.rename_no_replace(temporary.name, directory, name);
  }
  if (!status) {
    const Status removed = directory.remove_file(temporary.name);
    if (!removed) return fail(std::move(status).error().with_hint("left behind: " + removed.error().message));
    return status;
  }
  // Without this the rename itself may be lost in a power cut after success was reported.
  Status durable = directory.sync();
  if (!durable) {
    return fail(ErrorCode::commit_uncertain,
                "the new content of '" + fs::join_path(directory.path(), name) +
                    "' is in place, but it is not known whether it survives a power cut: " + durable.error().message,
                "look at the disk, then write the file again");
  }
  // A close that fails after a successful fsync has lost nothing.
  return {};
}

Status atomic_write_bytes(Runtime& runtime, const std::string& path, std::string_view bytes,
                          const AtomicWriteOptions& options) {
  const ResolvedTarget target = TRY(resolve_target(runtime.files, path));
  const std::unique_ptr<fs::Directory> directory = TRY(runtime.files.open_directory(target.directory));
  return atomic_write_in(runtime, *directory, target.name, bytes, options);
}

Status atomic_write_text(Runtime& runtime, const std::string& path, std::string_view text,
                         const AtomicWriteOptions& options) {
  if (!is_text(text)) {
    return fail(ErrorCode::invalid_argument, "what is to be written to '" + path + "' is not UTF-8 text");
  }
  return atomic_write_bytes(runtime, path, text, options);
}

Status remove_if_exists(Runtime& runtime, const std::string& path) {
  const std::string absolute = TRY(runtime.files.absolute_path(path));
  const fs::SplitPath split = fs::split_path(absolute);
  auto directory = runtime.files.open_directory(split.parent);
  if (!directory) {
    if (directory.error().system_errno == ENOENT) return {};
    return fail(std::move(directory).error());
  }
  Status removed = (*directory)->remove_file(split.name);
  if (!removed && removed.error().system_errno != ENOENT) return removed;
  // Also when it was gone already: a removal whose fsync failed must not be reported as durable the second time.
  Status durable = (*directory)->sync();
  if (durable) return durable;
  Error error =
      std::move(durable).error().with_context("'" + absolute + "' is removed, but a power cut may bring it back");
  error.code = ErrorCode::commit_uncertain;
  return fail(std::move(error));
}

}  // namespace lockstep::durable
