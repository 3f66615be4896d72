// lockstep ca list: what was issued.
#include <nlohmann/json.hpp>

#include "ca/flat_ledger.h"
#include "cli/ca_entry.h"
#include "cli/commands.h"

namespace lockstep::cli {

namespace {

struct Options {
  std::string status;
  std::string expiring;
  std::string subject;
};

constexpr std::int64_t kSecondsPerDay = 86400;
constexpr std::int64_t kMostDays = 1'000'000;

Result<int> run_list(Context& context, const Options& options) {
  std::optional<std::int64_t> expiring_days;
  if (!options.expiring.empty()) expiring_days = TRY(positive_number(options.expiring, "--expiring", kMostDays));
  const std::string directory = TRY(context.data_directory());
  durable::Runtime runtime = TRY(context.runtime());
  ca::FlatLedger ledger(runtime, directory, [&](const std::string& text) { context.warn(text); });
  const std::unique_ptr<ca::LedgerReader> reader = TRY(ledger.read());
  const UnixSeconds now = context.environment().clock.now();

  std::vector<ca::IndexEntry> entries;
  TRY(reader->for_each([&](const ca::IndexEntry& entry) -> Status {
    const std::string_view status = status_text(entry, now);
    if (!options.status.empty() && options.status != status) return {};
    if (!options.subject.empty() && entry.subject.find(options.subject) == std::string::npos) return {};
    // Expiring is what is still in use and will end: not what has ended, not what was revoked.
    if (expiring_days && (status != "active" || entry.not_after > now + *expiring_days * kSecondsPerDay)) return {};
    entries.push_back(entry);
    return {};
  }));

  std::size_t widest = std::string_view("SERIAL").size();
  for (const ca::IndexEntry& entry : entries) widest = std::max(widest, ca::serial_to_hex(entry.serial).size());
  const auto pad = [](std::string text, std::size_t width) {
    text.resize(std::max(width, text.size()), ' ');
    return text;
  };
  std::string text = pad("SERIAL", widest) + "  STATUS   NOT AFTER             SUBJECT\n";
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const ca::IndexEntry& entry : entries) {
    text += pad(ca::serial_to_hex(entry.serial), widest) + "  " + pad(std::string(status_text(entry, now)), 7) + "  " +
            format_rfc3339(entry.not_after) + "  " + printable(entry.subject) + "\n";
    if (context.options().json) list.push_back(entry_json(entry, now));
  }
  if (entries.empty()) text = "No certificates issued.\n";
  TRY(context.deliver(text, {{"certificates", list}}));
  return 0;
}

}  // namespace

void add_ca_list(CLI::App& group, Action* action) {
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      add_command(group, "list", "List the certificates that were issued", "lockstep ca list --expiring 30");
  command->add_option("--status", options->status, "active, expired or revoked")
      ->check(CLI::IsMember({"active", "expired", "revoked"}));
  command->add_option("--expiring", options->expiring, "Active ones that end within so many days");
  command->add_option("--subject", options->subject, "Subjects that contain this text");
  command->callback(
      [options, action] { *action = [options](Context& context) { return run_list(context, *options); }; });
}

}  // namespace lockstep::cli
