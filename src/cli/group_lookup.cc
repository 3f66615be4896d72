#include "cli/group_lookup.h"

#include <grp.h>

#include <charconv>
#include <vector>

namespace lockstep::cli {

Result<std::uint32_t> lookup_group(const std::string& name) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error == std::errc() && end == name.data() + name.size()) {
    // (gid_t)-1 tells chown to change nothing.
    if (number == UINT32_MAX) return fail(ErrorCode::usage, "--group: there is no group 4294967295");
    return number;
  }
  constexpr std::size_t kBuffer = 64U * 1024U;
  std::vector<char> buffer(kBuffer);
  group entry{};
  group* found = nullptr;
  if (getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    return fail(ErrorCode::invalid_argument, "--group: there is no group '" + name + "'", "see 'getent group'");
  }
  return found->gr_gid;
}

}  // namespace lockstep::cli
