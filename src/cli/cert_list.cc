// lockstep cert list: every certificate folder and how long its certificate lasts.
#include <nlohmann/json.hpp>
#include <numeric>

#include "agent/parallel.h"
#include "cli/cert_common.h"
#include "cli/commands.h"

namespace lockstep::cli {

namespace {

// What is read of one folder.
struct Read {
  Result<certstore::InstalledCertificate> installed = certstore::InstalledCertificate();
  Renewal renewal;
};

// Thousands of folders are read by all cores; a thread costs more than a few of them.
std::vector<Read> read_all(Context& context, durable::Runtime& runtime, const std::string& root,
                           const std::vector<std::string>& domains) {
  constexpr std::size_t kFew = 64;
  std::vector<Read> read(domains.size());
  std::vector<std::size_t> all(domains.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  agent::in_parallel(all, domains.size() > kFew ? context.environment().cores : 1, [&](std::size_t i) {
    read[i].installed = certstore::load(runtime, root, domains[i]);
    if (read[i].installed) read[i].renewal = renewal_of(context, root, *read[i].installed);
  });
  return read;
}

Result<int> run_list(Context& context) {
  const std::string root = TRY(context.root());
  durable::Runtime runtime = TRY(context.runtime());
  const std::vector<std::string> domains = TRY(certstore::list_domains(context.environment().files, root));
  const UnixSeconds now = context.environment().clock.now();
  std::size_t widest = std::string_view("DOMAIN").size();
  for (const std::string& domain : domains) widest = std::max(widest, domain.size());
  const auto pad = [](std::string text, std::size_t width) {
    text.resize(std::max(width, text.size()), ' ');
    return text;
  };
  std::string text = pad("DOMAIN", widest) + "  STATE          NOT AFTER             DAYS LEFT  GENERATION  RENEWAL\n";
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  bool broken = false;
  const std::vector<Read> read = read_all(context, runtime, root, domains);
  for (std::size_t i = 0; i < domains.size(); ++i) {
    const std::string& domain = domains[i];
    const auto& installed = read[i].installed;
    if (!installed) {
      // One damaged folder must not hide the others.
      broken = true;
      context.warn(installed.error().message);
      text += pad(domain, widest) + "  damaged\n";
      list.push_back({{"domain", domain}, {"state", "damaged"}, {"error", installed.error().message}});
      continue;
    }
    const Renewal& renewal = read[i].renewal;
    text += pad(domain, widest) + "  " + pad(std::string(certificate_state(installed->leaf, now)), 13) + "  " +
            format_rfc3339(installed->leaf.not_after) + "  " +
            pad(std::to_string(days_left(installed->leaf.not_after, now)), 9) + "  " +
            pad(std::to_string(installed->generation), 10) + "  " + renewal.text + "\n";
    nlohmann::ordered_json row = certificate_json(*installed, now);
    row["renewal"] = renewal.json;
    list.push_back(std::move(row));
  }
  if (domains.empty()) text = "No certificates in " + printable(root) + ".\n";
  TRY(context.deliver(text, {{"certificates", list}}));
  return broken ? 1 : 0;
}

}  // namespace

void add_cert_list(CLI::App& group, Action* action) {
  CLI::App* command = add_command(group, "list", "List the certificate folders", "lockstep cert list");
  command->callback([action] { *action = [](Context& context) { return run_list(context); }; });
}

}  // namespace lockstep::cli
