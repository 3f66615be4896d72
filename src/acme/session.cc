#include "acme/session.h"

#include <algorithm>
#include <array>

namespace lockstep::acme {

namespace {

// With every second nonce refused, a request fails once in 2^40.
constexpr int kNonceTries = 40;
constexpr std::size_t kKeptNonces = 64;
constexpr std::size_t kLongestNonce = 1024;

bool is_success(const http::Response& response) { return response.status >= 200 && response.status < 300; }

struct KnownServer {
  std::string_view name;
  std::string_view directory;
  std::string_view staging;
};

constexpr std::array kKnownServers{
    KnownServer{"letsencrypt", "https://acme-v02.api.letsencrypt.org/directory",
                "https://acme-staging-v02.api.letsencrypt.org/directory"},
    KnownServer{"letsencrypt-staging", "https://acme-staging-v02.api.letsencrypt.org/directory",
                "https://acme-staging-v02.api.letsencrypt.org/directory"},
    KnownServer{"zerossl", "https://acme.zerossl.com/v2/DV90", ""},
    KnownServer{"buypass", "https://api.buypass.com/acme/directory", "https://api.test4.buypass.no/acme/directory"},
    KnownServer{"google", "https://dv.acme-v02.api.pki.goog/directory",
                "https://dv.acme-v02.test-api.pki.goog/directory"},
};

}  // namespace

Result<Directory> Session::directory() {
  const std::lock_guard lock(mutex_);
  if (directory_) return *directory_;
  const auto response = TRY(client_.send({.method = "GET", .url = directory_url_}));
  if (!is_success(response))
    return fail(answer_error(response, "cannot read the directory " + directory_url_, clock_.now())
                    .with_hint("check --server: it must be the address of an ACME directory"));
  directory_ = TRY(parse_directory(response.body, rules_));
  return *directory_;
}

Result<std::string> Session::take_nonce() {
  {
    const std::lock_guard lock(mutex_);
    if (!nonces_.empty()) {
      std::string nonce = std::move(nonces_.back());
      nonces_.pop_back();
      return nonce;
    }
  }
  const Directory known = TRY(directory());
  const auto response = TRY(client_.send({.method = "HEAD", .url = known.new_nonce}));
  if (!is_success(response)) return fail(answer_error(response, "cannot get a nonce", clock_.now()));
  std::string nonce = response.header("replay-nonce");
  if (nonce.empty() || nonce.size() > kLongestNonce)
    return fail(ErrorCode::acme_bad_answer, "the CA gave no nonce when asked for one");
  return nonce;
}

void Session::keep_nonce(const http::Response& response) {
  std::string nonce = response.header("replay-nonce");
  if (nonce.empty() || nonce.size() > kLongestNonce) return;
  const std::lock_guard lock(mutex_);
  if (nonces_.size() < kKeptNonces) nonces_.push_back(std::move(nonce));
}

Result<http::Response> Session::post(const std::string& url, const std::string& payload, const Signer& signer,
                                     const std::string& what) {
  for (int attempt = 1;; ++attempt) {
    const std::string nonce = TRY_CONTEXT(take_nonce(), what);
    const std::string body =
        TRY(sign_jws({.url = url, .nonce = nonce, .key_id = signer.account_url, .payload = payload}, signer.key));
    auto response = TRY_CONTEXT(
        client_.send(
            {.method = "POST", .url = url, .headers = {{"Content-Type", "application/jose+json"}}, .body = body}),
        what);
    keep_nonce(response);
    if (is_success(response)) return response;
    const bool bad_nonce = parse_problem(response.body, response.status).type == "badNonce";
    if (bad_nonce && attempt < kNonceTries) continue;
    return fail(answer_error(response, what, clock_.now()));
  }
}

Result<http::Response> Session::get(const std::string& url, const std::string& what) {
  auto response = TRY_CONTEXT(client_.send({.method = "GET", .url = url}), what);
  if (!is_success(response)) return fail(answer_error(response, what, clock_.now()));
  return response;
}

Result<std::string> directory_url_of(const std::string& server) {
  std::string known;
  for (const KnownServer& row : kKnownServers) {
    if (row.name == server) return std::string(row.directory);
    known += std::string(known.empty() ? "" : ", ") + std::string(row.name);
  }
  if (server.find("://") != std::string::npos) return server;
  return fail(ErrorCode::invalid_argument, "unknown CA '" + server + "'",
              "give the URL of its ACME directory, or one of: " + known);
}

std::optional<std::string> staging_of(const std::string& directory_url) {
  for (const KnownServer& row : kKnownServers)
    if (row.directory == directory_url && !row.staging.empty()) return std::string(row.staging);
  return {};
}

}  // namespace lockstep::acme
