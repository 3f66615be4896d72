// A server that answers every request of an order's way as the input says: its status, headers and body. The client
// comes to an end after a bounded number of requests, uses no URL that it may not, and keeps nothing that it did not
// check.
#include <algorithm>
#include <array>

#include "acme/account.h"
#include "acme/order.h"
#include "acme_answer.h"
#include "input.h"
#include "test_key.h"
#include "testing/manual_clock.h"

namespace {

using namespace lockstep;
using namespace lockstep::acme;
using fuzz::require;

constexpr const char* kDirectory =
    R"({"newNonce":"https://ca/n","newAccount":"https://ca/a","newOrder":"https://ca/o","keyChange":"https://ca/k",)"
    R"("revokeCert":"https://ca/r","renewalInfo":"https://ca/i","meta":{"termsOfService":"https://ca/t"}})";
constexpr const char* kOrder =
    R"({"status":"ready","identifiers":[{"type":"dns","value":"a.test"}],"authorizations":["https://ca/z"],)"
    R"("finalize":"https://ca/f"})";

const std::string& own_certificate() {
  static const std::string pem = [] {
    x509::CertificateFields fields;
    fields.serial = "0102";
    fields.issuer_der = fields.subject_der = x509::Name().der();
    fields.not_before = 1'700'000'000;
    fields.not_after = 1'900'000'000;
    fields.public_key_info = fuzz::test_key().public_key_info();
    fields.subject_key_id = fields.authority_key_id = "12345678901234567890";
    return x509::to_pem(fuzz::sign(fields));
  }();
  return pem;
}

class Server : public http::Client {
 public:
  explicit Server(fuzz::Input input) : input_(input) {}

  Result<http::Response> send(const http::Request& request) override {
    ++requests;
    require(http::check_url(request.url, false).has_value(), "only usable URLs are asked for", request.url);
    if (input_.at_end()) return fail(ErrorCode::network, "nobody answers");
    constexpr std::array kStatus{200, 201, 204, 301, 400, 403, 404, 429, 500, 503, 0, 999};
    http::Response response{.status = input_.of(std::span<const int>(kStatus)), .headers = {}, .body = {}};
    constexpr std::array<std::string_view, 4> kNames{"replay-nonce", "location", "retry-after", "link"};
    for (std::size_t count = input_.pick(4); count > 0; --count) {
      const std::string_view name = input_.of(std::span<const std::string_view>(kNames));
      response.headers.emplace_back(name, usual_or(name == "location" ? "https://ca/1" : "https://ca/1;"));
    }
    if (request.method == "HEAD") return response;
    constexpr std::array<std::string_view, 4> kBodies{kDirectory, kOrder,
                                                      R"({"type":"urn:ietf:params:acme:error:badNonce"})",
                                                      R"({"status":"valid","contact":["a"]})"};
    switch (input_.pick(4)) {
      case 0: response.body = input_.bytes(); break;
      case 1: response.body = own_certificate() + std::string(input_.bytes()); break;
      default: response.body = input_.of(std::span<const std::string_view>(kBodies)); break;
    }
    return response;
  }

  int requests = 0;

 private:
  std::string usual_or(std::string_view usual) { return std::string(input_.pick(2) == 0 ? usual : input_.bytes()); }
  fuzz::Input input_;
};

template <class T>
bool succeeded(const Result<T>& result) {
  if (!result) fuzz::check_error(result.error());
  return result.has_value();
}

void check_chain(const Result<DownloadedChain>& chain) {
  if (!succeeded(chain)) return;
  require(!chain->certificates.empty() && chain->certificates.size() <= 32, "a chain is neither empty nor endless");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  Server server{fuzz::Input(fuzz::text_of(data, size))};
  testing::ManualClock clock;
  Session session(server, clock, "https://ca/dir", {});
  const Signer signer{.key = fuzz::test_key(), .account_url = "https://ca/acct"};
  // Each step is one request, the download up to eight more. A nonce that is refused is followed by at most 39 others,
  // and each of them may have to be asked for, as may the directory.
  constexpr int kMostRequests = (6 + 9) * (3 * 40);
  const auto account = register_account(session, signer.key, {.contacts = {}, .terms_agreed = true});
  if (succeeded(account))
    require(http::check_url(account->url, false).has_value(), "an account's address may be used", account->url);
  const auto placed =
      place_order(session, signer, {.identifiers = {{IdentifierType::dns, "a.test"}}, .profile = {}, .replaces = {}});
  if (succeeded(placed)) require(http::check_url(placed->url, false).has_value(), "an order's address may be used");
  succeeded(fetch_authorization(session, signer, "https://ca/z"));
  succeeded(respond_to_challenge(session, signer, "https://ca/c"));
  succeeded(finalize_order(session, signer, "https://ca/f", "csr"));
  check_chain(download_certificate(session, signer, "https://ca/cert", "Preferred"));
  const auto certificate = x509::parse_certificate(own_certificate(), "own");
  const auto asked = fetch_renewal_info(session, fuzz::must(certificate, "the certificate is read"));
  if (succeeded(asked) && *asked) {
    require((*asked)->retry_after >= 60 && (*asked)->retry_after <= 86400, "the next question is within a day");
  }
  require(server.requests <= kMostRequests, "the number of requests is bounded");
  return 0;
}
