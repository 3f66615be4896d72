// dns-01 by a program of the operator (RFC 8555 section 8.4).
#include <mutex>

#include "acme/solvers.h"

namespace lockstep::acme {

namespace {

// The end of a program's output as one line that is fit for a terminal.
std::string last_lines(std::string_view output) {
  constexpr std::size_t kLines = 5;
  constexpr std::size_t kLongest = 500;
  while (output.ends_with('\n')) output.remove_suffix(1);
  std::size_t start = output.size();
  for (std::size_t line = 0; line < kLines && start != 0; ++line) {
    const std::size_t before = output.rfind('\n', start - 1);
    start = before == std::string_view::npos ? 0 : before;
  }
  if (output.substr(start).starts_with('\n')) ++start;
  std::string text(output.substr(start));
  if (text.size() > kLongest) text.erase(0, text.size() - kLongest);
  std::string out;
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += " | ";
    } else {
      out += code < 0x20 || code == 0x7f ? '?' : c;
    }
  }
  return out;
}

class DnsHook final : public ChallengeSolver {
 public:
  DnsHook(fs::ProgramRunner& programs, std::string program) : programs_(programs), program_(std::move(program)) {}

  [[nodiscard]] std::string_view challenge_type() const override { return "dns-01"; }

  Status present(const ChallengeTask& task) override {
    TRY(require_dns_name(task));
    Status presented = call("present", task);
    if (presented || presented.error().system_errno != 0) return presented;  // done, or not even started
    const Status cleaned = call("cleanup", task);
    if (cleaned) return presented;
    return fail(std::move(presented).error().with_hint("the record may be left behind: " + cleaned.error().message));
  }

  Status clean_up(const ChallengeTask& task) override {
    if (task.type != IdentifierType::dns) return {};
    return call("cleanup", task);
  }

 private:
  Status call(const char* action, const ChallengeTask& task) {
    // One at a time: a script that edits a zone file does not expect another run of itself.
    const std::lock_guard lock(mutex_);
    const std::string what = "the DNS hook '" + program_ + " " + action + "' for '" + task.identifier + "'";
    const auto result = programs_.run({.arguments = {program_, action},
                                       .environment = {{"LOCKSTEP_DOMAIN", task.identifier},
                                                       {"LOCKSTEP_RECORD", dns_record_name(task)},
                                                       {"LOCKSTEP_VALUE", dns_record_value(task.key_authorization)},
                                                       {"LOCKSTEP_TOKEN", task.token}}});
    if (!result) return fail(Error(result.error()).with_context(what));
    if (result->succeeded()) return {};
    const std::string said = last_lines(result->output);
    return fail(ErrorCode::io_error, what + " " + result->describe() + (said.empty() ? "" : ": " + said));
  }

  fs::ProgramRunner& programs_;
  const std::string program_;
  std::mutex mutex_;
};

}  // namespace

Result<std::unique_ptr<ChallengeSolver>> make_dns_hook(fs::ProgramRunner& programs, const std::string& program) {
  if (program.empty() || program.find('\0') != std::string::npos) {
    return fail(ErrorCode::invalid_argument, "the DNS hook has no program", "name one: --dns PROGRAM");
  }
  TRY_CONTEXT(programs.check(program), "the DNS hook");
  return std::make_unique<DnsHook>(programs, program);
}

}  // namespace lockstep::acme
