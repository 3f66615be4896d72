#include "issuing/documents.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "crypto/digest.h"
#include "x509/pem.h"
#include "x509/pem_input.h"

namespace lockstep::issuing {

namespace {

constexpr const char* kJson = "application/json";
constexpr std::size_t kMostBody = 64U * 1024U;
constexpr std::size_t kMostDepth = 4;
constexpr std::size_t kLongestToken = 256;
constexpr std::size_t kLongestName = 256;
constexpr std::size_t kLongestLogged = 1024;  // characters of a text from outside
constexpr std::int64_t kAskAgain = 2;         // seconds

std::string dump(const nlohmann::ordered_json& document) {
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

http::ServerResponse document_answer(int status, const nlohmann::ordered_json& document) {
  return {.status = status, .content_type = kJson, .body = dump(document), .headers = {{"Cache-Control", "no-store"}}};
}

http::ServerResponse bad_request(std::string_view code, const std::string& message) {
  return error_answer(
      400, code, message,
      R"(send {"csr": "PEM", "reason": "enroll", "token": "…", "name": "…"}, or "proactive" or "expired" )"
      "without token and name");
}

int status_of(ca::RefusalKind kind) {
  switch (kind) {
    case ca::RefusalKind::malformed: return 400;
    case ca::RefusalKind::unauthenticated: return 401;
    case ca::RefusalKind::forbidden: return 403;
  }
  LOCKSTEP_CHECK(false);
}

// The text field of that name: empty when it is not there; nothing when it is something else, or too long.
std::optional<std::string> text_field(const nlohmann::json& document, const char* name, std::size_t longest) {
  const auto found = document.find(name);
  if (found == document.end()) return std::string();
  if (!found->is_string()) return std::nullopt;
  std::string text = found->get<std::string>();
  return text.size() > longest ? std::nullopt : std::optional(std::move(text));
}

}  // namespace

http::ServerResponse error_answer(int status, std::string_view code, std::string_view message, std::string_view hint,
                                  std::int64_t retry_after) {
  http::ServerResponse answer =
      document_answer(status, {{"error", {{"code", code}, {"message", message}, {"hint", hint}}}});
  if (retry_after > 0) answer.headers.emplace_back("Retry-After", std::to_string(retry_after));
  return answer;
}

ParsedApplication parse_application(std::string_view body, std::string client_der) {
  const auto refuse = [](std::string_view code, const std::string& message) {
    return ParsedApplication{std::nullopt, bad_request(code, message)};
  };
  const auto document = parse_json(body, "the body", {.bytes = kMostBody, .depth = kMostDepth});
  if (!document) return refuse("bad_json", document.error().message);
  if (!document->is_object()) return refuse("bad_json", "the body is no JSON object");
  for (const auto& [key, value] : document->items()) {
    if (key != "csr" && key != "reason" && key != "token" && key != "name")
      return refuse("bad_json", "the body has a field that a request has not");
  }
  const auto csr = text_field(*document, "csr", kMostBody);
  const auto reason_text = text_field(*document, "reason", kLongestName);
  const auto token = text_field(*document, "token", kLongestToken);
  const auto name = text_field(*document, "name", kLongestName);
  if (!csr || !reason_text || !token || !name) return refuse("bad_json", "a field is not a text, or too long");
  const auto reason = ca::parse_reason(*reason_text);
  if (!reason) return refuse("bad_reason", reason.error().message);
  const bool enrolling = *reason == ca::Reason::enroll;
  if (!enrolling && (document->contains("token") || document->contains("name")))
    return refuse("bad_json", "'token' and 'name' go with the reason 'enroll' alone");
  if (enrolling && (token->empty() || name->empty()))
    return refuse("bad_json", "the reason 'enroll' needs 'token' and 'name'");
  ca::Application application;
  application.reason = *reason;
  application.name = *name;
  application.client_der = std::move(client_der);
  if (enrolling) application.token_hash = crypto::sha256_hex(*token);
  auto der = x509::single_der(*csr, {x509::kPemRequest, "CSR", "the field 'csr'", "NEW CERTIFICATE REQUEST"});
  if (!der) return refuse("bad_csr", der.error().message);
  application.csr_der = std::move(*der);
  return {std::move(application), {}};
}

http::ServerResponse answer_of(const ca::Answer& answer) {
  using Kind = ca::Answer::Kind;
  if (answer.kind == Kind::refused)
    return error_answer(status_of(answer.refusal.kind), answer.refusal.code, answer.refusal.message,
                        answer.refusal.hint);
  if (answer.kind == Kind::not_found)
    return error_answer(404, "not_found", "there is no such request of this client",
                        "send the request again; it is issued once");
  return document_answer(answer.kind == Kind::issued ? 201 : 200, {{"schema", 1},
                                                                   {"id", answer.id},
                                                                   {"status", "issued"},
                                                                   {"serial", ca::serial_to_hex(answer.serial)},
                                                                   {"certificate", answer.certificate}});
}

http::ServerResponse pending_answer(const std::string& id) {
  http::ServerResponse answer = document_answer(202, {{"schema", 1}, {"id", id}, {"status", "pending"}});
  answer.headers.emplace_back("Retry-After", std::to_string(kAskAgain));
  answer.headers.emplace_back("Location", std::string(kRequestsPath) + "/" + id);
  return answer;
}

bool is_request_id(std::string_view text) { return crypto::is_sha256_hex(text); }

std::string audit_line(const AuditEntry& entry) {
  nlohmann::ordered_json line = {{"time", format_rfc3339(entry.time)}, {"address", entry.address}};
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) line[key] = value.substr(0, kLongestLogged);
  };
  add("client", entry.client);
  add("request", entry.request);
  add("reason", entry.reason);
  add("name", entry.name);
  add("subject", entry.subject);
  add("csr_sha256", entry.csr_sha256);
  add("id", entry.id);
  add("decision", entry.decision);
  add("code", entry.code);
  add("serial", entry.serial);
  return dump(line);
}

std::string_view decision_name(ca::Answer::Kind kind) {
  using Kind = ca::Answer::Kind;
  switch (kind) {
    case Kind::issued: return "issued";
    case Kind::repeated: return "repeated";
    case Kind::refused: return "refused";
    case Kind::not_found: return "not_found";
  }
  LOCKSTEP_CHECK(false);
}

}  // namespace lockstep::issuing
