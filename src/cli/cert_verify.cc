// lockstep cert verify: does a folder hold what a web server needs, all of it belonging together?
#include <nlohmann/json.hpp>

#include "certstore/domain_name.h"
#include "cli/cert_common.h"
#include "cli/commands.h"
#include "durable/inspect.h"
#include "fs/io.h"
#include "x509/chain.h"

namespace lockstep::cli {

namespace {

constexpr std::size_t kTrustLimit = 1U << 20U;

struct Options {
  std::string domain;
  std::string trust;
};

Status check_certificate(Context& context, const Options& options, const durable::Snapshot& snapshot,
                         const std::string& domain, std::vector<std::string>* problems) {
  const std::vector<certstore::FolderProblem> members = TRY(certstore::check_members(snapshot));
  for (const certstore::FolderProblem& problem : members) problems->push_back(problem.what);
  const std::string leaf_pem = TRY(snapshot.read(certstore::kCertificateFile, certstore::kMemberLimit));
  const x509::Certificate leaf = TRY(x509::parse_certificate(leaf_pem, certstore::kCertificateFile));
  const UnixSeconds now = context.environment().clock.now();
  if (!x509::covers_name(leaf, domain)) problems->push_back("the certificate does not cover " + domain);
  if (now > leaf.not_after) problems->push_back("the certificate expired at " + format_rfc3339(leaf.not_after));
  if (now < leaf.not_before)
    problems->push_back("the certificate is not valid before " + format_rfc3339(leaf.not_before));
  if (options.trust.empty()) return {};
  const std::string anchors_pem =
      TRY_CONTEXT(fs::read_input(context.environment().files, options.trust, kTrustLimit), "--trust");
  const std::vector<x509::Certificate> anchors = TRY(x509::parse_certificates(anchors_pem, options.trust));
  const std::string chain_pem = TRY(snapshot.read(certstore::kChainFile, certstore::kMemberLimit));
  const std::vector<x509::Certificate> chain = TRY(x509::parse_certificates(chain_pem, certstore::kChainFile));
  const x509::ChainVerdict verdict = TRY(x509::verify_chain(leaf, chain, anchors, now));
  if (!verdict.trusted) problems->push_back("no path to a trusted certificate: " + verdict.reason);
  return {};
}

Result<int> run_verify(Context& context, const Options& options) {
  const std::string domain = TRY(as_usage(certstore::parse_domain(options.domain)));
  const std::string root = TRY(context.root());
  durable::Runtime runtime = TRY(context.runtime());
  const std::string path = certstore::folder_path(root, domain);
  auto snapshot = durable::Snapshot::open(context.environment().files, path);
  if (!snapshot && snapshot.error().code == ErrorCode::not_found) {
    return fail(ErrorCode::not_found, "no certificate for " + domain + " (looked in '" + path + "')",
                "see 'lockstep cert list'");
  }
  if (!snapshot) return fail(std::move(snapshot).error());
  std::vector<std::string> problems;
  const durable::StoreReport report = TRY(durable::inspect_store(runtime, path));
  for (const durable::Finding& finding : report.findings) {
    if (finding.kind == durable::FindingKind::note) continue;
    problems.push_back(finding.path + ": " + finding.what);
  }
  if (problems.empty()) TRY(check_certificate(context, options, *snapshot, domain, &problems));
  const std::string result = problems.empty() ? "VALID" : "INVALID";
  std::string text =
      "Certificate verification: " + result + "\n" +
      field_lines({{"Domain", domain}, {"Generation", std::to_string(snapshot->generation())}, {"Folder", path}});
  for (const std::string& problem : problems) text += "  Problem: " + printable(problem) + "\n";
  TRY(context.deliver(text, {{"result", result},
                             {"domain", domain},
                             {"generation", snapshot->generation()},
                             {"folder", path},
                             {"problems", problems}}));
  return problems.empty() ? 0 : 1;
}

}  // namespace

void add_cert_verify(CLI::App& group, Action* action) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = add_command(group, "verify", "Check that a folder's files belong together and are valid",
                                  "lockstep cert verify localhost --trust ca-data/ca.crt");
  command->add_option("domain", options->domain, "DNS name, wildcard or IP address")->required();
  command->add_option("--trust", options->trust, "Require a path to one of these certificates");
  command->callback(
      [options, action] { *action = [options](Context& context) { return run_verify(context, *options); }; });
}

}  // namespace lockstep::cli
