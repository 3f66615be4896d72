#include "durable/record.h"

#include "durable/atomic_file.h"
#include "durable/directories.h"
#include "durable/lock.h"
#include "durable/temporary.h"
#include "fs/io.h"

namespace lockstep::durable {

namespace {

struct Absolute {
  std::string root;
  fs::SplitPath file;
};

Result<Absolute> absolute_of(fs::FileSystem& files, const RecordPlace& place) {
  Absolute absolute;
  absolute.root = TRY(files.absolute_path(place.root));
  const std::string path = TRY(files.absolute_path(place.path));
  absolute.file = fs::split_path(path);
  return absolute;
}

Status make_directories(fs::FileSystem& files, const Absolute& absolute, CreatedDirectories* created) {
  TRY(created->ensure(files, absolute.root, 0755));
  return created->ensure(files, absolute.file.parent, 0700);
}

}  // namespace

Status write_record(Runtime& runtime, const RecordPlace& place, std::string_view bytes) {
  const Absolute absolute = TRY(absolute_of(runtime.files, place));
  CreatedDirectories created;
  TRY(make_directories(runtime.files, absolute, &created));
  Status written =
      atomic_write_bytes(runtime, fs::join_path(absolute.file.parent, absolute.file.name), bytes, {.mode = 0600});
  if (!written && written.error().code != ErrorCode::commit_uncertain) created.remove(runtime.files);
  return written;
}

Result<std::unique_ptr<fs::File>> lock_record(Runtime& runtime, const RecordPlace& place) {
  constexpr std::string_view kEnding = ".json";
  const Absolute absolute = TRY(absolute_of(runtime.files, place));
  CreatedDirectories created;
  TRY(make_directories(runtime.files, absolute, &created));
  const std::unique_ptr<fs::Directory> directory = TRY(runtime.files.open_directory(absolute.file.parent));
  const std::string stem = absolute.file.name.substr(0, absolute.file.name.size() - kEnding.size());
  auto lock = TRY(lock_file(runtime, *directory, stem + ".lock"));
  TRY(sweep_temporaries(*directory, [&](const std::string& owner) { return owner == absolute.file.name; }));
  return lock;
}

}  // namespace lockstep::durable
