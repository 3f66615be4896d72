#include "durable/secret_files.h"

#include "fs/io.h"

namespace lockstep::durable {

std::vector<OpenSecret> open_secrets(const Snapshot& snapshot, const SecretFiles& secrets) {
  std::vector<OpenSecret> open;
  for (const std::string& name : secrets.names) {
    if (!snapshot.has(name)) continue;
    const auto stat = snapshot.stat_member(name);
    if (!stat || stat->type != fs::FileType::regular || (stat->mode & secrets.forbidden) == 0) continue;
    open.push_back({name, fs::join_path(snapshot.path(), name), octal_mode(stat->mode),
                    octal_mode(stat->mode & ~secrets.forbidden)});
  }
  return open;
}

Result<std::vector<std::string>> close_secrets(const Snapshot& snapshot, const SecretFiles& secrets) {
  std::vector<std::string> closed;
  for (const OpenSecret& open : open_secrets(snapshot, secrets)) {
    const std::unique_ptr<fs::File> file = TRY(snapshot.open_member(open.name));
    const fs::Stat stat = TRY(file->stat());
    TRY(file->change_mode(stat.mode & ~secrets.forbidden));
    TRY(file->sync());
    closed.push_back(open.path);
  }
  return closed;
}

std::string octal_mode(std::uint32_t mode) {
  std::string digits;
  for (int shift = mode > 0777U ? 9 : 6; shift >= 0; shift -= 3)
    digits.push_back(static_cast<char>('0' + ((mode >> shift) & 7U)));
  return digits;
}

}  // namespace lockstep::durable
