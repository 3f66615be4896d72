#include "service/answers.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "service/host_check.h"

namespace lockstep::service {

namespace {

constexpr const char* kJson = "application/json";

http::ServerResponse json_answer(int status, std::string body) {
  http::ServerResponse answer;
  answer.status = status;
  answer.content_type = kJson;
  answer.body = std::move(body);
  answer.headers.emplace_back("Cache-Control", "no-store");
  return answer;
}

}  // namespace

http::ServerResponse data_answer(int status, std::string_view data, const std::string& tag) {
  auto answer = json_answer(status, R"({"success":true,"data":)" + std::string(data) + "}");
  if (!tag.empty()) answer.headers.emplace_back("ETag", tag);
  return answer;
}

http::ServerResponse error_answer(int status, std::string_view error) {
  auto answer = json_answer(status, R"({"success":false,"error":)" + json_quote(error) + "}");
  // RFC 9110 section 11.6.1
  if (status == 401) answer.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"lockstep\"");
  return answer;
}

http::ServerResponse refusal_answer(const Refusal& refusal) {
  if (refusal.fields.empty()) return error_answer(refusal.status, refusal.error);
  const nlohmann::json fields = refusal.fields;
  return json_answer(refusal.status, R"({"success":false,"error":)" + json_quote(refusal.error) + R"(,"data":)" +
                                         fields.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "}");
}

http::ServerResponse document_answer(std::string body, std::string content_type) {
  auto answer = json_answer(200, std::move(body));
  answer.content_type = std::move(content_type);
  return answer;
}

void add_security_headers(http::ServerResponse& answer, bool tls, std::string_view host) {
  // Nothing from elsewhere and nothing inline: a name that somebody gave a server can never become a script.
  answer.headers.emplace_back("Content-Security-Policy",
                              "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
                              "frame-ancestors 'none'");
  answer.headers.emplace_back("X-Content-Type-Options", "nosniff");
  answer.headers.emplace_back("X-Frame-Options", "DENY");
  answer.headers.emplace_back("Referrer-Policy", "no-referrer");
  answer.headers.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
  answer.headers.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
  if (tls && !is_loopback_name(host_of(host).value_or("")))
    answer.headers.emplace_back("Strict-Transport-Security", "max-age=31536000");
}

}  // namespace lockstep::service
