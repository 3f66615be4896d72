// lockstep cert needs-renewal: the answer as an exit status, for systemd's ExecCondition. It asks nobody.
#include <nlohmann/json.hpp>

#include "agent/renewal.h"
#include "certstore/domain_name.h"
#include "cli/commands.h"

namespace lockstep::cli {

namespace {

constexpr int kNeeds = 0;
constexpr int kDoesNot = 1;
constexpr int kNoSuchCertificate = 2;
constexpr int kOtherFailure = 255;

Result<int> answer(Context& context, const std::string& text) {
  const std::string domain = TRY(certstore::parse_domain(text));
  const std::string root = TRY(context.root());
  durable::Runtime runtime = TRY(context.runtime());
  const auto assessment = TRY(agent::assess(runtime, root, {.domain = domain, .wanted = {}}));
  if (!assessment.exists) return kNoSuchCertificate;
  const bool needs = assessment.plan.due || assessment.deploy_pending || assessment.unfinished_order;
  const std::string reason = assessment.deploy_pending     ? "a deploy hook is to be repeated"
                             : assessment.unfinished_order ? "an order is unfinished"
                             : assessment.plan.due         ? assessment.plan.reason
                                                           : assessment.why_not;
  TRY(context.deliver(domain + (needs ? " needs renewal: " : " does not need renewal: ") + reason + "\n",
                      {{"domain", domain},
                       {"needs_renewal", needs},
                       {"urgent", assessment.plan.urgent},
                       {"renew_at", format_rfc3339(assessment.plan.renew_at)},
                       {"reason", reason}}));
  return needs ? kNeeds : kDoesNot;
}

Result<int> run_needs_renewal(Context& context, const std::string& text) {
  auto status = answer(context, text);
  if (status && *status == kNoSuchCertificate)
    context.report(
        {ErrorCode::not_found, "there is no certificate for " + printable(text), "see 'lockstep cert list'", 0});
  if (status) return status;
  // 1 would say "it does not": every failure has a status of its own.
  context.report(status.error());
  return kOtherFailure;
}

}  // namespace

void add_cert_needs_renewal(CLI::App& group, Action* action) {
  const auto domain = std::make_shared<std::string>();
  CLI::App* command = add_command(group, "needs-renewal",
                                  "Exit with 0 if a certificate is due, 1 if not, 2 if there is none, 255 on an error",
                                  "lockstep cert needs-renewal example.com");
  command->add_option("domain", *domain, "DNS name, wildcard or IP address")->required();
  command->callback(
      [domain, action] { *action = [domain](Context& context) { return run_needs_renewal(context, *domain); }; });
}

}  // namespace lockstep::cli
