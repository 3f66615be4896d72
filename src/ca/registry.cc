#include "ca/registry.h"

#include <algorithm>

#include "ca/index.h"
#include "crypto/hmac.h"

namespace lockstep::ca {

namespace {
constexpr std::size_t kMostTokens = 10'000;
constexpr std::size_t kMostDevices = 1'000'000;
constexpr std::int64_t kTokenIsRemembered = 7 * 86400;  // seconds after its end
constexpr std::size_t kShortestBeginning = 8;           // digits of a hash
}  // namespace

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

Status change_registry(Ledger& ledger, const std::function<Status(Registry&)>& change) {
  const std::unique_ptr<LedgerWriter> writer = TRY(ledger.write());
  Registry registry;
  TRY(registry.load(*writer));
  TRY(change(registry));
  return writer->change_records(registry.changes());
}

Status Registry::load(LedgerWriter& ledger) {
  appended_.clear();
  tokens_changed_ = devices_changed_ = false;
  const auto stale = [&](const char* file) {
    const auto known = versions_.find(file);
    return known == versions_.end() || known->second != ledger.records_version(file);
  };
  const bool new_requests = stale(kRequestsFile);
  const bool new_tokens = stale(kTokensFile);
  const bool new_devices = stale(kDevicesFile);
  if (new_requests) {
    const std::string text = TRY(ledger.records(kRequestsFile));
    const std::vector<RequestRecord> records = TRY(decode_requests(text));
    requests_.clear();
    // A request whose certificate has ended may have been granted again: the last one counts.
    for (const RequestRecord& record : records) requests_[record.id] = record.serial;
  }
  if (new_tokens) {
    const std::string text = TRY(ledger.records(kTokensFile));
    tokens_ = TRY(decode_tokens(text));
  }
  if (new_devices) {
    const std::string text = TRY(ledger.records(kDevicesFile));
    devices_ = TRY(decode_devices(text));
    index_devices();
  }
  committed(ledger);
  return {};
}

void Registry::index_devices() {
  by_name_.clear();
  by_bootstrap_.clear();
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    by_name_[lower_case(devices_[i].name)] = i;
    if (!devices_[i].bootstrap.empty()) by_bootstrap_[devices_[i].bootstrap] = i;
  }
}

std::optional<Serial> Registry::request(const std::string& id) const {
  const auto found = requests_.find(id);
  return found == requests_.end() ? std::nullopt : std::optional(found->second);
}

const Token* Registry::token(std::string_view hash) const {
  const Token* found = nullptr;
  for (const Token& token : tokens_) {
    if (crypto::equal_secrets(token.hash, hash)) found = &token;
  }
  return found;
}

const Device* Registry::device(std::string_view name) const {
  const auto found = by_name_.find(lower_case(name));
  return found == by_name_.end() ? nullptr : &devices_[found->second];
}

const Device* Registry::device_with_bootstrap(const std::string& fingerprint) const {
  const auto found = by_bootstrap_.find(fingerprint);
  return found == by_bootstrap_.end() ? nullptr : &devices_[found->second];
}

void Registry::add_request(const RequestRecord& record) {
  requests_[record.id] = record.serial;
  if (!appended_.empty()) appended_ += kIndexSeparator;
  appended_ += encode_record(record);
}

Status Registry::add_token(Token token) {
  if (tokens_.size() >= kMostTokens) {
    return fail(ErrorCode::too_large, "there are " + std::to_string(tokens_.size()) + " tokens, the limit is that",
                "revoke those that are not needed: lockstep ca token list");
  }
  tokens_.push_back(std::move(token));
  tokens_changed_ = true;
  return {};
}

Status Registry::add_device(Device device) {
  if (device_with_bootstrap(device.bootstrap) != nullptr && !device.bootstrap.empty()) {
    return fail(ErrorCode::already_exists,
                "the bootstrap certificate is registered for the device '" +
                    device_with_bootstrap(device.bootstrap)->name + "' already",
                "each device needs one of its own");
  }
  if (const Device* other = this->device(device.name)) {
    return fail(ErrorCode::already_exists, "the device '" + other->name + "' is registered already",
                "remove it first: lockstep ca device remove " + other->name);
  }
  if (devices_.size() >= kMostDevices) {
    return fail(ErrorCode::too_large, "there are " + std::to_string(devices_.size()) + " devices, the limit is that");
  }
  by_name_[lower_case(device.name)] = devices_.size();
  if (!device.bootstrap.empty()) by_bootstrap_[device.bootstrap] = devices_.size();
  devices_.push_back(std::move(device));
  devices_changed_ = true;
  return {};
}

Status Registry::set_bootstrap(std::string_view name, const std::string& fingerprint) {
  const Device* known = device(name);
  if (known == nullptr) return fail(ErrorCode::not_found, "there is no device '" + std::string(name) + "'");
  if (const Device* other = device_with_bootstrap(fingerprint)) {
    return fail(ErrorCode::already_exists,
                "the bootstrap certificate is registered for the device '" + other->name + "' already",
                "each device needs one of its own");
  }
  if (!known->bootstrap.empty()) {
    return fail(ErrorCode::already_exists, "the device '" + known->name + "' has a bootstrap certificate already",
                "remove it first: lockstep ca device remove " + known->name);
  }
  const std::size_t at = static_cast<std::size_t>(known - devices_.data());
  devices_[at].bootstrap = fingerprint;
  by_bootstrap_[fingerprint] = at;
  devices_changed_ = true;
  return {};
}

void Registry::enroll(std::string_view token_hash, const std::string& request_id, const Device& enrolled) {
  for (Token& token : tokens_) {
    if (token.hash == token_hash) token.used_by = request_id;
  }
  tokens_changed_ = true;
  const auto found = by_name_.find(lower_case(enrolled.name));
  if (found == by_name_.end()) {
    by_name_[lower_case(enrolled.name)] = devices_.size();
    devices_.push_back(enrolled);
  } else {
    devices_[found->second].subject = enrolled.subject;
    devices_[found->second].enrolled = true;
  }
  devices_changed_ = true;
}

Result<Token> Registry::remove_token(std::string_view beginning) {
  if (beginning.size() < kShortestBeginning) {
    return fail(ErrorCode::invalid_argument,
                "at least " + std::to_string(kShortestBeginning) + " digits of the token's id are needed",
                "'lockstep ca token list' shows them");
  }
  const auto matches = [&](const Token& token) { return token.hash.starts_with(beginning); };
  const auto count = std::ranges::count_if(tokens_, matches);
  if (count == 0) {
    return fail(ErrorCode::not_found, "there is no token '" + std::string(beginning.substr(0, 64)) + "'",
                "'lockstep ca token list' shows them");
  }
  if (count > 1) return fail(ErrorCode::invalid_argument, "several tokens begin like that", "give more digits");
  const auto found = std::ranges::find_if(tokens_, matches);
  Token removed = *found;
  tokens_.erase(found);
  tokens_changed_ = true;
  return removed;
}

Result<Device> Registry::remove_device(std::string_view name) {
  const auto found = by_name_.find(lower_case(name));
  if (found == by_name_.end()) {
    return fail(ErrorCode::not_found, "there is no device '" + std::string(name.substr(0, 64)) + "'",
                "'lockstep ca device list' shows them");
  }
  const auto at = devices_.begin() + static_cast<std::ptrdiff_t>(found->second);
  Device removed = *at;
  devices_.erase(at);
  index_devices();
  devices_changed_ = true;
  return removed;
}

void Registry::forget_old_tokens(UnixSeconds now) {
  const auto old = [&](const Token& token) { return token.expires + kTokenIsRemembered < now; };
  if (std::erase_if(tokens_, old) != 0) tokens_changed_ = true;
}

std::vector<RecordChange> Registry::changes() const {
  std::vector<RecordChange> changes;
  if (!appended_.empty()) changes.push_back({kRequestsFile, appended_, true});
  if (tokens_changed_) changes.push_back({kTokensFile, encode_list(tokens_), false});
  if (devices_changed_) changes.push_back({kDevicesFile, encode_list(devices_), false});
  return changes;
}

void Registry::committed(const LedgerWriter& ledger) {
  appended_.clear();
  tokens_changed_ = devices_changed_ = false;
  for (const char* file : {kRequestsFile, kTokensFile, kDevicesFile}) versions_[file] = ledger.records_version(file);
}

void Registry::forget() { versions_.clear(); }

}  // namespace lockstep::ca
