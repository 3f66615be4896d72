#include "agent/account_store.h"

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "crypto/digest.h"
#include "fs/io.h"

namespace lockstep::agent {

namespace {

constexpr const char* kAccountsDirectory = "accounts";
constexpr const char* kRecord = "account.json";
constexpr const char* kKey = "key.pem";
constexpr const char* kNextKey = "next-key.pem";
constexpr std::size_t kLimit = 256U * 1024U;  // bytes of a member

std::string accounts_path(const std::string& root) { return fs::join_path(root, kAccountsDirectory); }

durable::StoreOptions store_options() {
  // An older key is of no use once the CA has changed to another: nothing to roll back to.
  return {.kind = kAccountStoreKind,
          .directory_mode = 0700,
          .group = {},
          .keep = {.generations = 1, .seconds = 0},
          .may_roll_back = false};
}

std::string encode_record(const StoredAccount& account) {
  const nlohmann::ordered_json document = {{"schema", 1},
                                           {"server", account.server},
                                           {"url", account.url},
                                           {"status", account.status},
                                           {"contacts", account.contacts},
                                           {"external_key_id", account.external_key_id},
                                           {"terms_agreed", account.terms_agreed},
                                           {"registered_at", format_rfc3339(account.registered_at)}};
  return document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Result<crypto::PrivateKey> read_key(const durable::Snapshot& snapshot, const char* name) {
  std::string bytes = TRY(snapshot.read(name, kLimit));
  const SecretBytes pem(std::move(bytes));
  return crypto::PrivateKey::from_pem(pem.reveal(), fs::join_path(snapshot.path(), name));
}

Result<StoredAccount> read_account(const durable::Snapshot& snapshot) {
  const std::string name = fs::join_path(snapshot.path(), kRecord);
  const std::string text = TRY(snapshot.read(kRecord, kLimit));
  const auto document = parse_json(text, name);
  const auto damaged = [&] { return fail(ErrorCode::damaged, "'" + name + "' is not an account's record"); };
  if (!document) return damaged();
  crypto::PrivateKey key = TRY(read_key(snapshot, kKey));
  StoredAccount account{.server = {}, .key = std::move(key), .next_key = {}};
  if (snapshot.has(kNextKey)) account.next_key = TRY(read_key(snapshot, kNextKey));
  try {
    account.server = document->at("server").get<std::string>();
    account.url = document->at("url").get<std::string>();
    account.status = document->at("status").get<std::string>();
    account.contacts = document->at("contacts").get<std::vector<std::string>>();
    account.external_key_id = document->at("external_key_id").get<std::string>();
    account.terms_agreed = document->at("terms_agreed").get<bool>();
    account.registered_at = parse_rfc3339(document->at("registered_at").get<std::string>()).value();
  } catch (const std::exception&) {
    return damaged();
  }
  return account;
}

}  // namespace

std::string account_path(const std::string& root, const std::string& server) {
  constexpr std::size_t kShownHash = 8;
  const std::size_t scheme = server.find("://");
  const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  std::string host = server.substr(begin, server.find_first_of("/?", begin) - begin);
  std::replace_if(
      host.begin(), host.end(),
      [](char c) {
        return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-');
      },
      '_');
  return fs::join_path(accounts_path(root),
                       host.substr(0, 200) + "-" + crypto::sha256_hex(server).substr(0, kShownHash));
}

Result<std::optional<StoredAccount>> load_account(fs::FileSystem& files, const std::string& root,
                                                  const std::string& server) {
  const std::string path = TRY(files.absolute_path(account_path(root, server)));
  const auto snapshot = durable::Snapshot::open(files, path);
  if (!snapshot && snapshot.error().code == ErrorCode::not_found) return std::optional<StoredAccount>();
  if (!snapshot) return fail(snapshot.error());
  StoredAccount account = TRY(read_account(*snapshot));
  return std::optional(std::move(account));
}

Result<AccountWriter> AccountWriter::open(durable::Runtime& runtime, const std::string& root,
                                          const std::string& server) {
  // What is private begins below the root: web servers go through it to the certificates.
  auto made = std::make_unique<MadeRoot>(runtime.files);
  TRY(made->directories.ensure(runtime.files, root, 0755));
  durable::StoreWriter store = TRY(durable::StoreWriter::open(runtime, account_path(root, server), store_options()));
  return AccountWriter(std::move(made), std::move(store));
}

Result<std::optional<StoredAccount>> AccountWriter::load() const {
  if (store_.current() == nullptr) return std::optional<StoredAccount>();
  StoredAccount account = TRY(read_account(*store_.current()));
  return std::optional(std::move(account));
}

Status AccountWriter::save(const StoredAccount& account) {
  const SecretBytes key = TRY(account.key.to_pem());
  durable::Change change;
  change.put(kRecord, encode_record(account), 0600).put(kKey, std::string(key.reveal()), 0600);
  if (account.next_key) {
    const SecretBytes next = TRY(account.next_key->to_pem());
    change.put(kNextKey, std::string(next.reveal()), 0600);
  } else if (store_.current() != nullptr && store_.current()->has(kNextKey)) {
    change.remove(kNextKey);
  }
  TRY(store_.commit(change));
  made_->directories = {};
  // The commit stands, whether the old generation can be removed now or by the next writer.
  static_cast<void>(store_.collect());
  return {};
}

Result<std::vector<std::string>> list_accounts(fs::FileSystem& files, const std::string& root) {
  auto directory = files.open_directory(accounts_path(root));
  std::vector<std::string> servers;
  if (!directory && directory.error().system_errno == ENOENT) return servers;
  if (!directory) return fail(std::move(directory).error());
  const std::vector<fs::DirectoryEntry> entries = TRY((*directory)->list());
  for (const fs::DirectoryEntry& entry : entries) {
    if (entry.type != fs::FileType::directory) continue;
    const auto snapshot = durable::Snapshot::open(files, fs::join_path((*directory)->path(), entry.name));
    if (!snapshot && snapshot.error().code == ErrorCode::not_found) continue;
    if (!snapshot) return fail(snapshot.error());
    const StoredAccount account = TRY(read_account(*snapshot));
    servers.push_back(account.server);
  }
  std::sort(servers.begin(), servers.end());
  return servers;
}

}  // namespace lockstep::agent
