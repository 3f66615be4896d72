#include "device/issuer.h"
#include "x509/certificate.h"

namespace lockstep::device {

namespace {

constexpr int kTemporaryFailure = 75;            // EX_TEMPFAIL of sysexits.h
constexpr std::int64_t kAskAgain = 60;           // seconds
constexpr std::size_t kOutputLimit = 1U << 18U;  // bytes

std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

class CommandIssuer final : public Issuer {
 public:
  CommandIssuer(fs::ProgramRunner& programs, std::vector<std::string> command)
      : programs_(programs), command_(std::move(command)) {}

  Result<Issued> request(const IssueRequest& request, const Identity*) override {
    fs::ProgramCall call;
    call.arguments = command_;
    call.environment = {{"LOCKSTEP_CSR", request.request_pem},
                        {"LOCKSTEP_REASON", std::string(reason_name(request.reason))},
                        {"LOCKSTEP_DEVICE", request.name},
                        {"LOCKSTEP_REQUEST_ID", request.id}};
    call.output_limit = kOutputLimit;
    const fs::ProgramResult result = TRY(programs_.run(call));
    const std::string what = "the issuer command '" + command_.front() + "' " + result.describe();
    if (result.exit_status == kTemporaryFailure)
      return Issued{.id = request.id, .certificate_pem = {}, .ask_again = kAskAgain};
    if (result.timed_out || result.signal != 0) return fail(ErrorCode::issuer_unavailable, what);
    if (!result.succeeded()) {
      const std::string why = last_line(result.output);
      return fail(ErrorCode::issuer_refused, what + (why.empty() ? "" : ": " + why),
                  "run it by hand with LOCKSTEP_CSR set to see what it says");
    }
    const auto certificates = x509::parse_certificates(result.output, "its output");
    if (!certificates || certificates->empty())
      return fail(ErrorCode::issuer_bad_answer,
                  what + ", but its output holds no certificate" +
                      (certificates ? std::string() : ": " + certificates.error().message));
    // As PEM and nothing else: what it said besides is not to be kept.
    std::string pem;
    for (const x509::Certificate& certificate : *certificates) pem += x509::to_pem(certificate);
    return Issued{.id = request.id, .certificate_pem = std::move(pem), .ask_again = 0};
  }

  Result<Verdict> check(const Identity&, const std::string&) override { return Verdict::accepted; }

 private:
  fs::ProgramRunner& programs_;
  std::vector<std::string> command_;
};

}  // namespace

std::unique_ptr<Issuer> make_command_issuer(fs::ProgramRunner& programs, std::vector<std::string> command) {
  return std::make_unique<CommandIssuer>(programs, std::move(command));
}

}  // namespace lockstep::device
