// Who issues a device's identity. The private CA's server speaks JSON over HTTPS with mutual TLS; an external command
// may stand for anything else.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "device/identity.h"
#include "device/state.h"
#include "fs/program.h"
#include "http/client.h"

namespace lockstep::device {

struct IssueRequest {
  std::string request_pem;
  Reason reason = Reason::proactive;
  std::string name;      // of the device
  std::string token;     // enroll: the one-time token
  std::string id;        // as the issuer called it before; empty the first time
  std::string replaces;  // serial of the live certificate; empty for the first one
};

struct Issued {
  std::string id;                              // what to ask for next time
  std::optional<std::string> certificate_pem;  // the leaf first, then its chain; none: it is not decided yet
  std::int64_t ask_again = 0;                  // seconds after which it may be
};

enum class Verdict { accepted, refused };

class Issuer {
 public:
  virtual ~Issuer() = default;
  // The same bytes asked for twice give the same certificate. `as`: who asks, nullptr for nobody in particular. Errors:
  // issuer_refused (saying why), issuer_unavailable, issuer_bad_answer, those of the transport.
  virtual Result<Issued> request(const IssueRequest& request, const Identity* as) = 0;
  // Does the issuer accept this identity, which its request `id` brought? Errors: those of the transport,
  // issuer_unavailable: nothing is known.
  virtual Result<Verdict> check(const Identity& identity, const std::string& id) = 0;
};

// The identity as a transport shows it.
std::shared_ptr<const http::ClientIdentity> shown_by(const Identity& identity);

// `make_client`: a transport that shows the identity it is given.
using MakeClient = std::function<Result<std::unique_ptr<http::Client>>(std::shared_ptr<const http::ClientIdentity>)>;

// `server`: "https://ca.example:8444".
std::unique_ptr<Issuer> make_private_ca_issuer(MakeClient make_client, Clock& clock, const std::string& server);

// Asks for certificates where `inner` does, and whether an identity is accepted at `url`: a TLS handshake that shows
// it, and a GET. 400 (how web servers answer a certificate that they do not accept), 401 and 403 mean refused, every
// other answer below 500 accepted.
std::unique_ptr<Issuer> make_checked_issuer(std::unique_ptr<Issuer> inner, MakeClient make_client, std::string url);

// Runs the program with LOCKSTEP_CSR (PEM), LOCKSTEP_REASON, LOCKSTEP_DEVICE and LOCKSTEP_REQUEST_ID in its
// environment. Exit status 0: the certificate and its chain are on its standard output; 75 (EX_TEMPFAIL): ask again;
// anything else: refused, and the last line says why. It cannot be asked whether an identity is accepted: what it
// issued is.
std::unique_ptr<Issuer> make_command_issuer(fs::ProgramRunner& programs, std::vector<std::string> command);

}  // namespace lockstep::device
