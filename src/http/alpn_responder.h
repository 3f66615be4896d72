// The TLS side of tls-alpn-01 (RFC 8737): a listener that negotiates nothing but "acme-tls/1" and presents, for each
// name that is asked for by SNI, the certificate it was given.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "http/server.h"

namespace lockstep::http {

class AlpnResponder {
 public:
  // Addresses and errors as Server::listen.
  static Result<std::unique_ptr<AlpnResponder>> listen(const std::string& address, const ServerLimits& limits = {});
  virtual ~AlpnResponder() = default;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  // `server_name` as it comes by SNI: the DNS name, or for an IP address its reverse name (RFC 8738 section 6). What
  // was there for that name is replaced. Errors: parse_error, untrusted for a key that is not the certificate's.
  virtual Status add(const std::string& server_name, const std::string& certificate_pem,
                     const SecretBytes& key_pem) = 0;
  // Absence is no mistake.
  virtual void remove(const std::string& server_name) = 0;
};

}  // namespace lockstep::http
