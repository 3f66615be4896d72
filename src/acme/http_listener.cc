// http-01 by a listener of our own (RFC 8555 section 8.3).
#include <map>
#include <mutex>

#include "acme/solvers.h"
#include "http/server.h"

namespace lockstep::acme {

namespace {

constexpr std::string_view kPrefix = "/.well-known/acme-challenge/";

// What is served at the moment. Threads put proofs in and take them out while the server's thread looks them up.
class Proofs {
 public:
  void put(const ChallengeTask& task) {
    const std::lock_guard lock(mutex_);
    by_token_[task.token] = task.key_authorization;
  }

  void remove(const ChallengeTask& task) {
    const std::lock_guard lock(mutex_);
    by_token_.erase(task.token);
  }

  http::ServerResponse answer(const http::ServerRequest& request) const {
    const std::string_view target = std::string_view(request.target).substr(0, request.target.find('?'));
    if (target.starts_with(kPrefix) && request.method != "POST") {
      const std::lock_guard lock(mutex_);
      const auto found = by_token_.find(target.substr(kPrefix.size()));
      if (found != by_token_.end()) return {.content_type = "application/octet-stream", .body = found->second};
    }
    return {.status = 404, .body = "only challenges of a certificate order are answered here\n"};
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> by_token_;
};

class HttpListener final : public ChallengeSolver {
 public:
  Status listen(const std::string& address) {
    server_ = TRY(
        http::Server::listen(address, [this](const http::ServerRequest& request) { return proofs_.answer(request); }));
    return {};
  }

  [[nodiscard]] std::string_view challenge_type() const override { return "http-01"; }

  Status present(const ChallengeTask& task) override {
    proofs_.put(task);
    return {};
  }

  Status clean_up(const ChallengeTask& task) override {
    proofs_.remove(task);
    return {};
  }

 private:
  Proofs proofs_;
  std::unique_ptr<http::Server> server_;  // last: its thread has ended before the proofs go
};

// What an operator can do about it here is more than what the server knows.
Error advise(Error error) {
  if (error.code == ErrorCode::already_exists) {
    error.hint =
        "another program has that port: if it is a web server let it answer with --webroot DIR, or listen elsewhere "
        "with --http=ADDRESS:PORT and forward port 80 to it";
  } else if (error.code == ErrorCode::permission_denied) {
    error.hint =
        "run as root or grant CAP_NET_BIND_SERVICE, or listen on a higher port with --http=:PORT and forward port 80 "
        "to it, or use --webroot DIR";
  }
  return error;
}

}  // namespace

Result<std::unique_ptr<ChallengeSolver>> make_http_listener(const std::string& address) {
  auto solver = std::make_unique<HttpListener>();
  Status listening = solver->listen(address);
  if (!listening) return fail(advise(std::move(listening).error().with_context("http-01")));
  return solver;
}

}  // namespace lockstep::acme
