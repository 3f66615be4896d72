// Who asks, and what they may do.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "durable/runtime.h"
#include "http/server.h"
#include "x509/certificate.h"

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

class Access {
 public:
  // `free_reading`: reading needs nothing. `anchors`: clients with a certificate of one of these may write.
  Access(const SecretBytes& token, bool free_reading, std::vector<x509::Certificate> anchors);

  [[nodiscard]] Caller identify(const http::ServerRequest& request, UnixSeconds now) const;

 private:
  std::string token_digest_;  // compared instead of the token: in time that tells nothing about it
  bool free_reading_;
  std::vector<x509::Certificate> anchors_;
};

}  // namespace lockstep::service
