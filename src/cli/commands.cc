#include "cli/commands.h"

#include <algorithm>
#include <charconv>

namespace lockstep::cli {

CLI::Option* repeated(CLI::Option* option) {
  return option->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

CLI::App* add_command(CLI::App& group, const std::string& name, const std::string& description,
                      const std::string& example) {
  CLI::App* command = group.add_subcommand(name, description);
  command->footer("Example:\n  " + example);
  command->fallthrough();
  return command;
}

std::string field_lines(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string text;
  for (const auto& [label, value] : fields) text += "  " + label + ": " + printable(value) + "\n";
  return text;
}

Result<std::int64_t> positive_number(const std::string& text, const std::string& option, std::int64_t limit) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value <= 0 || value > limit) {
    return fail(ErrorCode::usage,
                option + ": not a whole number from 1 to " + std::to_string(limit) + ": '" + printable(text) + "'");
  }
  return value;
}

Result<std::int64_t> duration_option(const std::string& text, const std::string& option, std::int64_t bare_unit) {
  auto seconds = parse_duration(text, bare_unit);
  if (!seconds) return fail(ErrorCode::usage, option + ": " + seconds.error().message, seconds.error().hint);
  return seconds;
}

std::string printable(const std::string& text) {
  std::string shown = text;
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return shown;
}

}  // namespace lockstep::cli
