// The ledger as flat files that a person can read: one generation store, and a plain folder of certificates beside it.
// docs/formats/ca-directory.md specifies every file.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "ca/ledger.h"
#include "durable/generation_store.h"
#include "durable/secret_files.h"

namespace lockstep::ca {

inline constexpr const char* kKeyFile = "ca.key";
inline constexpr const char* kCertificateFile = "ca.crt";
inline constexpr const char* kSerialFile = "serial";
inline constexpr const char* kCrlNumberFile = "crlnumber";
inline constexpr const char* kIndexFile = "index.json";
inline constexpr const char* kCrlFile = "ca.crl";
inline constexpr const char* kCertificatesDirectory = "certs";
inline constexpr const char* kStoreKind = "ca";

inline constexpr std::size_t kSmallFileLimit = 64U * 1024U;         // keys, certificates, counters
inline constexpr std::size_t kCrlLimit = 1024UL * 1024UL * 1024UL;  // bytes of PEM

// The CA's key is its owner's alone.
durable::SecretFiles secrets();

// How a CA's store is kept: 0700, the last two generations, never rolled back.
durable::StoreOptions store_options();

class FlatLedger : public Ledger {
 public:
  // `warn` receives what a reader could not clean up and continues without.
  FlatLedger(durable::Runtime& runtime, std::string data_directory, std::function<void(const std::string&)> warn);

  [[nodiscard]] std::string certificate_path(Serial serial) const override;
  Status initialize(const AuthorityFiles& authority) override;
  Result<std::unique_ptr<LedgerReader>> read() override;
  Result<std::unique_ptr<LedgerWriter>> write() override;

  // The checks of initialize() that need no key yet: fails early where there is a CA already or the directory is not to
  // be used.
  Status check_can_initialize();
  // That there is a CA, without reading it. Error: not_initialized.
  Status check_initialized();

 private:
  Status check_directory(bool must_exist);
  Status initialize_store(const AuthorityFiles& authority);
  Status recover_for_reading();

  durable::Runtime& runtime_;
  std::string directory_;
  std::function<void(const std::string&)> warn_;
};

}  // namespace lockstep::ca
