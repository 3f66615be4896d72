#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "device/issuer.h"

namespace lockstep::device {

namespace {

constexpr const char* kRequests = "/api/v1/certificatesigningrequests";
constexpr std::size_t kLongestId = 200;
constexpr std::int64_t kLongestWait = 24 * 3600;  // seconds that an issuer may ask for
constexpr std::int64_t kAskAgain = 5;             // seconds, when it does not say

// What a server says is shown on one line, bounded, without control characters.
std::string shown(const std::string& text) {
  constexpr std::size_t kShown = 400;
  std::string line = text.substr(0, kShown);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return line;
}

// An id comes back in a path: letters, digits, '-' and '_' only.
bool is_usable_id(const std::string& id) {
  return !id.empty() && id.size() <= kLongestId && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

class PrivateCaIssuer final : public Issuer {
 public:
  PrivateCaIssuer(MakeClient make_client, Clock& clock, std::string server)
      : make_client_(std::move(make_client)), clock_(clock), server_(std::move(server)) {
    while (server_.ends_with('/')) server_.pop_back();
  }

  Result<Issued> request(const IssueRequest& request, const Identity* as) override {
    nlohmann::json document = {{"csr", request.request_pem}, {"reason", reason_name(request.reason)}};
    if (request.reason == Reason::enroll) {
      document["token"] = request.token;
      document["name"] = request.name;
    }
    const auto client = TRY(make_client_(as == nullptr ? nullptr : shown_by(*as)));
    // An identity that is over cannot look at a request of its own: it is sent again, which is answered the same.
    const auto response = TRY(client->send({.method = "POST",
                                            .url = server_ + kRequests,
                                            .headers = {{"Content-Type", "application/json"}},
                                            .body = document.dump()}));
    return read(response);
  }

  Result<Verdict> check(const Identity& identity, const std::string& id) override {
    const auto client = TRY(make_client_(shown_by(identity)));
    const auto response = client->send({.method = "GET", .url = server_ + kRequests + "/" + id});
    if (!response) {
      // A server that is there and will not have this certificate ends the handshake.
      return fail(response.error());
    }
    if (response->status == 200) return Verdict::accepted;
    if (response->status == 401 || response->status == 403 || response->status == 404) return Verdict::refused;
    return fail(unavailable(*response));
  }

 private:
  [[nodiscard]] std::int64_t retry_after(const http::Response& response) const {
    const auto asked = http::parse_retry_after(response.header("retry-after"), clock_.now());
    return std::clamp<std::int64_t>(asked.value_or(0), 0, kLongestWait);
  }

  // What an answer that is not a success says, for people.
  static std::string said(const http::Response& response) {
    const auto document = parse_json(response.body, "the answer");
    std::string text = "HTTP status " + std::to_string(response.status);
    if (!document || !document->is_object()) return text;
    const auto error = document->find("error");
    if (error == document->end() || !error->is_object()) return text;
    const auto message = error->find("message");
    return message != error->end() && message->is_string() ? shown(message->get<std::string>()) : text;
  }

  [[nodiscard]] Error unavailable(const http::Response& response) const {
    Error error{ErrorCode::issuer_unavailable, server_ + " cannot answer now: " + said(response), "", 0};
    error.retry_after = retry_after(response);
    return error;
  }

  [[nodiscard]] Result<Issued> read(const http::Response& response) const {
    if (response.status == 429 || response.status >= 500) return fail(unavailable(response));
    if (response.status >= 400)
      return fail(ErrorCode::issuer_refused, server_ + " refused the request: " + said(response),
                  "ask the operator of the CA; its audit log says what was decided");
    const auto bad = [&](const std::string& what) {
      return fail(ErrorCode::issuer_bad_answer, "the answer of " + server_ + " cannot be used: " + what);
    };
    if (response.status != 200 && response.status != 201 && response.status != 202)
      return bad("HTTP status " + std::to_string(response.status));
    const auto document = parse_json(response.body, "the answer");
    if (!document) return bad(document.error().message);
    Issued issued;
    try {
      issued.id = document->at("id").get<std::string>();
      if (response.status == 202) {
        issued.ask_again = std::max<std::int64_t>(1, retry_after(response) > 0 ? retry_after(response) : kAskAgain);
      } else {
        issued.certificate_pem = document->at("certificate").get<std::string>();
      }
    } catch (const nlohmann::json::exception&) {
      return bad("'id' or 'certificate' is missing");
    }
    if (!is_usable_id(issued.id)) return bad("its 'id' is none");
    return issued;
  }

  MakeClient make_client_;
  Clock& clock_;
  std::string server_;
};

}  // namespace

std::shared_ptr<const http::ClientIdentity> shown_by(const Identity& identity) {
  Identity copy = identity.copy();
  return std::make_shared<const http::ClientIdentity>(
      http::ClientIdentity{std::move(copy.certificate_pem), std::move(copy.key_pem)});
}

std::unique_ptr<Issuer> make_private_ca_issuer(MakeClient make_client, Clock& clock, const std::string& server) {
  return std::make_unique<PrivateCaIssuer>(std::move(make_client), clock, server);
}

}  // namespace lockstep::device
