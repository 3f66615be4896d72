// Where an identity is kept, and how a new one takes the old one's place. Every operation leaves all-old or all-new,
// whatever cuts it off; recover() finishes or takes back what was under way.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "device/identity.h"
#include "device/settings.h"
#include "durable/runtime.h"

namespace lockstep::device {

class IdentityStorage {
 public:
  virtual ~IdentityStorage() = default;

  // The live identity; nothing before the first one. Error: damaged when only half of it is there.
  [[nodiscard]] virtual Result<std::optional<Identity>> load() = 0;

  // A key whose certificate has not come, durable, replacing whatever was pending.
  virtual Status write_pending_key(const SecretBytes& key_pem) = 0;
  [[nodiscard]] virtual Result<std::optional<SecretBytes>> load_pending_key() = 0;
  // Completes the pending identity with the certificate of the pending key, durable.
  virtual Status write_pending(const std::string& certificate_pem) = 0;
  // Both halves, ready to be swapped in; nothing when there are not both.
  [[nodiscard]] virtual Result<std::optional<Identity>> load_pending() = 0;
  // Takes the pending certificate away again; its key waits for another. Absence is success.
  virtual Status drop_pending_certificate() = 0;
  // Takes the pending identity (and key) away. Absence is success.
  virtual Status cleanup_pending() = 0;

  // Makes the pending identity the live one; the one before is kept until destroy_previous(). Errors: not_found ("no
  // pending certificate to swap"); those of a failed backup or swap, after which the old identity is live, and pending
  // is gone; commit_uncertain; committed_not_delivered, when only tidying up failed. A first identity stays pending: a
  // one-time token was given for it, and buys no other.
  virtual Status atomic_swap() = 0;
  // Is there an identity to go back to?
  [[nodiscard]] virtual Result<bool> has_previous() = 0;
  // Makes the identity before the live one again, and takes the other away. Error: not_found ("nothing to roll back
  // to").
  virtual Status rollback() = 0;
  // Removes the identity before, durably. Absence is success.
  virtual Status destroy_previous() = 0;

  // After a start: finishes or takes back a change that was cut off, and removes what is of no use any more.
  // Idempotent. Gives what was done, a sentence each.
  virtual Result<std::vector<std::string>> recover() = 0;

  // Where the halves are, for people and for programs.
  [[nodiscard]] virtual std::string active_cert_path() const = 0;
  [[nodiscard]] virtual std::string active_key_path() const = 0;
  [[nodiscard]] virtual std::string pending_cert_path() const = 0;
  [[nodiscard]] virtual std::string pending_key_path() const = 0;
  // A number that grows with each swap, 0 where there is none.
  [[nodiscard]] virtual Result<std::uint64_t> generation() = 0;
};

inline constexpr const char* kIdentityStoreKind = "identity";

// The names of all files that the storage of plain files makes for such an identity.
std::set<std::string> file_storage_names(const std::string& cert, const std::string& key);

// A generation store: pending is a complete generation that `current` does not point at yet, the swap is the pointer.
std::unique_ptr<IdentityStorage> make_generation_storage(durable::Runtime& runtime, const std::string& directory);
// Two regular files, for programs that insist on them: `.pending` and `.backup` stand beside them, the swap is a
// publish of both.
std::unique_ptr<IdentityStorage> make_file_storage(durable::Runtime& runtime, const std::string& cert,
                                                   const std::string& key);

// Of the settings.
std::unique_ptr<IdentityStorage> make_storage(durable::Runtime& runtime, const DeviceSettings& settings);

}  // namespace lockstep::device
