// Who asks, and what they may do.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "durable/runtime.h"
#include "http/server.h"
#include "x509/certificate.h"
#include "x509/crl.h"

namespace lockstep::service {

struct Caller {
  std::string who = "anonymous";  // "token", "certificate: CN=…"
  bool may_read = false;
  bool may_write = false;
  bool showed_wrong_token = false;
};

// The token by which a person writes: made on the first start, 0600.
struct AccessToken {
  SecretBytes text;
  bool made = false;  // just now: it is to be shown, once
};
// Errors: those of the file system; damaged for a file that holds no token; permission_denied for one that others may
// read.
Result<AccessToken> load_or_make_token(durable::Runtime& runtime, const std::string& path);

// What callers' proofs are held against.
struct AccessRules {
  SecretBytes token;
  bool free_reading = false;               // reading needs nothing
  std::vector<x509::Certificate> anchors;  // clients with a certificate of one of these may write …
  std::vector<x509::Crl> lists;            // … unless one of these says that it was revoked
};

class Access {
 public:
  explicit Access(const AccessRules& rules) { replace(rules); }

  // Other rules from now on. Safe from any thread.
  void replace(const AccessRules& rules);
  [[nodiscard]] Caller identify(const http::ServerRequest& request, UnixSeconds now) const;

 private:
  struct Held {
    std::string token_digest;  // compared instead of the token: in time that tells nothing about it
    bool free_reading;
    std::vector<x509::Certificate> anchors;
    std::vector<x509::Crl> lists;
  };
  [[nodiscard]] std::shared_ptr<const Held> held() const;

  mutable std::mutex mutex_;
  std::shared_ptr<const Held> held_;
};

}  // namespace lockstep::service
