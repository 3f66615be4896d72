// Signed requests to one ACME server: its directory, nonces that are kept from every answer, and another try for each
// nonce that the server does not like (RFC 8555 sections 6.2, 6.5 and 7.1). Safe from several threads.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "acme/jws.h"
#include "acme/objects.h"
#include "base/clock.h"
#include "http/client.h"

namespace lockstep::acme {

// Who signs a request: with the account's URL, or (for newAccount and revocation by the certificate's key) without.
struct Signer {
  const crypto::PrivateKey& key;
  std::string account_url;
};

class Session {
 public:
  Session(http::Client& client, Clock& clock, std::string directory_url, ParseRules rules)
      : client_(client), clock_(clock), directory_url_(std::move(directory_url)), rules_(rules) {}

  // Fetched once. Errors: those of the transport, acme_bad_answer.
  Result<Directory> directory();
  // POST with a signature; an empty payload is POST-as-GET. `what` is what errors call it ("cannot place the order").
  // Errors: those of the transport; for an answer that is not 2xx those of answer_error().
  Result<http::Response> post(const std::string& url, const std::string& payload, const Signer& signer,
                              const std::string& what);
  // A plain GET, which only the directory and renewal information allow.
  Result<http::Response> get(const std::string& url, const std::string& what);

  [[nodiscard]] const std::string& directory_url() const { return directory_url_; }
  [[nodiscard]] const ParseRules& rules() const { return rules_; }
  [[nodiscard]] Clock& clock() { return clock_; }

 private:
  Result<std::string> take_nonce();
  void keep_nonce(const http::Response& response);

  http::Client& client_;
  Clock& clock_;
  std::string directory_url_;
  ParseRules rules_;
  std::mutex mutex_;
  std::optional<Directory> directory_;
  std::vector<std::string> nonces_;
};

// The directory of a CA that is known by a name ("letsencrypt", "letsencrypt-staging", "zerossl", "buypass", "google"),
// or the URL itself. Error: invalid_argument naming the known names.
Result<std::string> directory_url_of(const std::string& server);
// The directory in which the same CA lets one practise; nothing for a CA without a known one.
std::optional<std::string> staging_of(const std::string& directory_url);

}  // namespace lockstep::acme
