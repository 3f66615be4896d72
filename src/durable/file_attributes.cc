#include "durable/file_attributes.h"

namespace lockstep::durable {

Result<FileAttributes> read_attributes(fs::File& file) {
  const fs::Stat stat = TRY(file.stat());
  FileAttributes attributes{.mode = stat.mode, .uid = stat.uid, .gid = stat.gid, .extended = {}};
  const std::vector<std::string> names = TRY(file.list_attributes());
  for (const std::string& name : names) {
    std::string value = TRY(file.get_attribute(name));
    attributes.extended.emplace_back(name, std::move(value));
  }
  return attributes;
}

Status apply_attributes(fs::File& file, const FileAttributes& attributes) {
  const fs::Stat stat = TRY(file.stat());
  const std::uint32_t uid = attributes.uid.value_or(stat.uid);
  const std::uint32_t gid = attributes.gid.value_or(stat.gid);
  if (uid != stat.uid || gid != stat.gid) TRY(file.change_owner(uid, gid));
  if (attributes.mode) TRY(file.change_mode(*attributes.mode));
  for (const auto& [name, value] : attributes.extended) TRY(file.set_attribute(name, value));
  return {};
}

}  // namespace lockstep::durable
