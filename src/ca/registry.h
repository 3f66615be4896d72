// The records of the issuing server as one batch sees and changes them (ca/records.h).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "ca/ledger.h"
#include "ca/records.h"

namespace lockstep::ca {

// Devices and tokens, and how they are found. Names are compared without regard to the case of ASCII letters: RFC 5280
// 7.1 takes such subjects for the same.
class Registry {
 public:
  // Reads what has changed since the last time.
  Status load(LedgerWriter& ledger);

  [[nodiscard]] const std::vector<Token>& tokens() const { return tokens_; }
  [[nodiscard]] const std::vector<Device>& devices() const { return devices_; }

  // The serial that was given for the request of that id.
  [[nodiscard]] std::optional<Serial> request(const std::string& id) const;
  // The token of that hash; compared in a time that says nothing.
  [[nodiscard]] const Token* token(std::string_view hash) const;
  [[nodiscard]] const Device* device(std::string_view name) const;
  [[nodiscard]] const Device* device_with_bootstrap(const std::string& fingerprint) const;

  void add_request(const RequestRecord& record);
  // Errors: already_exists, too_large.
  Status add_token(Token token);
  Status add_device(Device device);
  // The token is consumed, and the device of that name enrolled; made when there is none.
  void enroll(std::string_view token_hash, const std::string& request_id, const Device& device);
  // Errors: not_found; invalid_argument for the beginning of a hash that several tokens have.
  Result<Token> remove_token(std::string_view hash_or_beginning);
  Result<Device> remove_device(std::string_view name);
  // A bootstrap certificate for a device that has none. Errors: not_found, already_exists.
  Status set_bootstrap(std::string_view name, const std::string& fingerprint);
  // Drops tokens that ended so long ago that nobody asks about them any more.
  void forget_old_tokens(UnixSeconds now);

  // What has changed since load(), for the commit.
  [[nodiscard]] std::vector<RecordChange> changes() const;
  // After the commit: what was changed is what is on disk.
  void committed(const LedgerWriter& ledger);
  // After a commit that failed: everything is read again.
  void forget();

 private:
  void index_devices();

  std::unordered_map<std::string, Serial> requests_;
  std::vector<Token> tokens_;
  std::vector<Device> devices_;
  std::unordered_map<std::string, std::size_t> by_name_;       // in lower case
  std::unordered_map<std::string, std::size_t> by_bootstrap_;  // fingerprint
  std::string appended_;                                       // lines of new requests
  bool tokens_changed_ = false;
  bool devices_changed_ = false;
  std::unordered_map<std::string, std::string> versions_;  // of the files that were read
};

// One change of the registry in one commit; nothing changes when `change` fails.
Status change_registry(Ledger& ledger, const std::function<Status(Registry&)>& change);

// ASCII letters in lower case.
std::string lower_case(std::string_view text);

}  // namespace lockstep::ca
