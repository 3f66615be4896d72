#include "durable/set_aside.h"

#include <algorithm>
#include <charconv>

#include "fs/io.h"

namespace lockstep::durable {

namespace {

constexpr std::string_view kPrefix = "set-aside-";
constexpr std::size_t kDigits = 8;
constexpr std::size_t kLongestName = 200;  // a very long name is cut: a component has at most 255 bytes

// The number in the name of what was set aside; 0 for any other name.
std::uint32_t number_of(std::string_view name) {
  if (!name.starts_with(kPrefix) || name.size() < kPrefix.size() + kDigits + 2) return 0;
  const std::string_view digits = name.substr(kPrefix.size(), kDigits);
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  return whole && name[kPrefix.size() + kDigits] == '-' ? number : 0;
}

Result<std::string> free_name(fs::Directory& control, const std::string& name) {
  const std::vector<fs::DirectoryEntry> entries = TRY(control.list());
  std::uint32_t highest = 0;
  for (const fs::DirectoryEntry& entry : entries) highest = std::max(highest, number_of(entry.name));
  const std::string digits = std::to_string(highest + 1);
  if (digits.size() > kDigits) {
    return fail(ErrorCode::too_large, "too much was set aside in '" + control.path() + "'", "move it elsewhere");
  }
  return std::string(kPrefix) + std::string(kDigits - digits.size(), '0') + digits + "-" + name.substr(0, kLongestName);
}

}  // namespace

bool is_set_aside_name(std::string_view name) { return number_of(name) != 0; }

Result<std::string> set_aside(fs::Directory& control, const std::string& name) {
  const fs::Stat stat = TRY(control.stat_entry(name));
  if (stat.type == fs::FileType::directory) {
    const std::unique_ptr<fs::Directory> directory = TRY(control.open_directory(name));
    TRY(directory->change_mode(0700));
    TRY(directory->sync());
  }
  const std::string aside = TRY(free_name(control, name));
  TRY(control.rename(name, control, aside));
  TRY(control.sync());
  return fs::join_path(control.path(), aside);
}

Result<std::string> keep_aside(fs::Directory& from, fs::Directory& control, const std::string& name) {
  const std::string aside = TRY(free_name(control, name));
  TRY(from.make_link(name, control, aside));
  TRY(control.sync());
  return fs::join_path(control.path(), aside);
}

}  // namespace lockstep::durable
