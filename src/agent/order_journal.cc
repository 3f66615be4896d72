#include "agent/order_journal.h"

#include <cerrno>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/json.h"
#include "certstore/domain_name.h"
#include "durable/atomic_file.h"
#include "durable/record.h"
#include "fs/io.h"
#include "http/client.h"

namespace lockstep::agent {

namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::uint64_t kSchema = 1;
constexpr std::size_t kJournalLimit = 4U << 20U;  // bytes: a thousand names with their proofs

std::string orders_path(const std::string& root, const std::string& domain) {
  return fs::join_path(fs::join_path(root, "orders"), certstore::folder_name(domain) + ".json");
}

constexpr const char* kTokenAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";  // base64url

std::string url_from(const json& value, const CertificateSettings& settings) {
  auto url = value.get<std::string>();
  if (const Status usable = http::check_url(url, settings.insecure_http); !usable)
    throw std::invalid_argument(usable.error().message);
  return url;
}

acme::ChallengeTask task_from(const json& value) {
  acme::ChallengeTask task;
  task.type = value.at("type").get<std::string>() == "ip" ? acme::IdentifierType::ip : acme::IdentifierType::dns;
  task.identifier = value.at("identifier").get<std::string>();
  task.token = value.at("token").get<std::string>();
  // It becomes a file's name, and what is taken away is taken away by it.
  if (task.token.empty() || task.token.find_first_not_of(kTokenAlphabet) != std::string::npos)
    throw std::invalid_argument("token: " + json_quote(task.token));
  task.key_authorization = value.at("key_authorization").get<std::string>();
  return task;
}

}  // namespace

std::string encode_journal(const OrderJournal& journal) {
  ordered_json presented = ordered_json::array();
  for (const acme::ChallengeTask& task : journal.presented) {
    presented.push_back({{"type", task.type == acme::IdentifierType::ip ? "ip" : "dns"},
                         {"identifier", task.identifier},
                         {"token", task.token},
                         {"key_authorization", task.key_authorization}});
  }
  const ordered_json document = {{"schema", kSchema},
                                 {"settings", settings_json(journal.settings)},
                                 {"account", journal.account_url},
                                 {"order", journal.order_url},
                                 {"old_serial", journal.old_serial},
                                 {"request_sha256", journal.request_sha256},
                                 {"placed_at", format_rfc3339(journal.placed_at)},
                                 {"finalizing", journal.finalizing},
                                 {"presented", presented}};
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<OrderJournal> parse_journal(std::string_view text, const std::string& name) {
  const auto damaged = [&](const std::string& why) {
    return fail(ErrorCode::damaged, "'" + name + "' is not an order's journal: " + why,
                "move it away: another order will be placed");
  };
  const auto document = parse_json(text, name, {.bytes = kJournalLimit, .depth = 16});
  if (!document) return damaged(document.error().message);
  try {
    OrderJournal journal;
    if (json_unsigned(document->at("schema"), kSchema) != kSchema) throw std::invalid_argument("schema");
    journal.settings = settings_from_json(document->at("settings"));
    journal.account_url = url_from(document->at("account"), journal.settings);
    journal.order_url = url_from(document->at("order"), journal.settings);
    journal.old_serial = document->at("old_serial").get<std::string>();
    journal.request_sha256 = document->at("request_sha256").get<std::string>();
    journal.placed_at = parse_rfc3339(document->at("placed_at").get<std::string>()).value();
    journal.finalizing = document->at("finalizing").get<bool>();
    for (const json& task : document->at("presented")) journal.presented.push_back(task_from(task));
    return journal;
  } catch (const std::exception& wrong) {
    return damaged(wrong.what());
  }
}

Result<std::optional<OrderJournal>> load_journal(fs::FileSystem& files, const std::string& root,
                                                 const std::string& domain) {
  const std::string path = orders_path(root, domain);
  const auto text = fs::read_input(files, path, kJournalLimit);
  if (!text && text.error().system_errno == ENOENT) return std::optional<OrderJournal>();
  if (!text) return fail(text.error());
  OrderJournal journal = TRY(parse_journal(*text, path));
  return std::optional(std::move(journal));
}

Result<std::vector<OrderJournal>> list_journals(fs::FileSystem& files, const std::string& root) {
  std::vector<OrderJournal> journals;
  auto directory = files.open_directory(fs::join_path(root, "orders"));
  if (!directory && directory.error().system_errno == ENOENT) return journals;
  if (!directory) return fail(std::move(directory).error());
  const std::vector<fs::DirectoryEntry> entries = TRY((*directory)->list());
  for (const fs::DirectoryEntry& entry : entries) {
    if (entry.name.starts_with('.') || !entry.name.ends_with(".json")) continue;
    const std::string path = fs::join_path((*directory)->path(), entry.name);
    const std::string text = TRY(fs::read_input(files, path, kJournalLimit));
    OrderJournal journal = TRY(parse_journal(text, path));
    journals.push_back(std::move(journal));
  }
  return journals;
}

Status save_journal(durable::Runtime& runtime, const std::string& root, const std::string& domain,
                    const OrderJournal& journal) {
  return durable::atomic_write_bytes(runtime, orders_path(root, domain), encode_journal(journal), {.mode = 0600});
}

Status remove_journal(durable::Runtime& runtime, const std::string& root, const std::string& domain) {
  return durable::remove_if_exists(runtime, orders_path(root, domain));
}

Result<std::unique_ptr<fs::File>> lock_orders(durable::Runtime& runtime, const std::string& root,
                                              const std::string& domain) {
  auto lock = durable::lock_record(runtime, {.root = root, .path = orders_path(root, domain)});
  if (!lock && lock.error().code == ErrorCode::lock_timeout)
    return fail(std::move(lock).error().with_context("another process is obtaining the certificate of " + domain));
  return lock;
}

}  // namespace lockstep::agent
