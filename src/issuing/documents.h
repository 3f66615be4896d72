// The issuing server's requests and answers as JSON, and the lines of its audit log: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "ca/registrar.h"
#include "http/server.h"

namespace lockstep::issuing {

inline constexpr const char* kRequestsPath = "/api/v1/certificatesigningrequests";

// An error as every answer of the server says it. `retry_after` in seconds; 0 leaves the header out.
http::ServerResponse error_answer(int status, std::string_view code, std::string_view message, std::string_view hint,
                                  std::int64_t retry_after = 0);

// The application in a POST's body. `client_der` is the certificate that TLS proved, empty without one. Errors: what to
// answer (400).
struct ParsedApplication {
  std::optional<ca::Application> application;
  http::ServerResponse refusal;  // when there is none
};
ParsedApplication parse_application(std::string_view body, std::string client_der);

// What a request is answered: 201 issued, 200 repeated, 4xx refused, 404 not found.
http::ServerResponse answer_of(const ca::Answer& answer);
// 202: it is under way, ask again.
http::ServerResponse pending_answer(const std::string& id);

// Is it the id of a request?
bool is_request_id(std::string_view text);

// Who asked for what, and what was decided: one line of JSON with its newline. No secret is in it.
struct AuditEntry {
  UnixSeconds time = 0;
  std::string address;
  std::string client;   // "SUBJECT (serial SERIAL)"; empty without a client certificate
  std::string request;  // "POST", "GET", or empty for what was none
  std::string reason;
  std::string name;     // enroll: the device's name, as sent
  std::string subject;  // of the CSR
  std::string csr_sha256;
  std::string id;
  std::string decision;  // "issued", "repeated", "refused", "shown", "not_found", "failed", "unread"
  std::string code;      // of a refusal or failure
  std::string serial;
};
std::string audit_line(const AuditEntry& entry);
// "issued", "repeated", …
std::string_view decision_name(ca::Answer::Kind kind);

}  // namespace lockstep::issuing
