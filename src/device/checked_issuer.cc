#include "device/issuer.h"

namespace lockstep::device {

namespace {

class CheckedIssuer final : public Issuer {
 public:
  CheckedIssuer(std::unique_ptr<Issuer> inner, MakeClient make_client, std::string url)
      : inner_(std::move(inner)), make_client_(std::move(make_client)), url_(std::move(url)) {}

  Result<Issued> request(const IssueRequest& request, const Identity* as) override {
    return inner_->request(request, as);
  }

  Result<Verdict> check(const Identity& identity, const std::string&) override {
    const auto client = TRY(make_client_(shown_by(identity)));
    const auto response = TRY(client->send({.method = "GET", .url = url_}));
    if (response.status >= 500)
      return fail(ErrorCode::issuer_unavailable,
                  url_ + " cannot answer now: HTTP status " + std::to_string(response.status));
    const bool refused = response.status == 400 || response.status == 401 || response.status == 403;
    return refused ? Verdict::refused : Verdict::accepted;
  }

 private:
  std::unique_ptr<Issuer> inner_;
  MakeClient make_client_;
  std::string url_;
};

}  // namespace

std::unique_ptr<Issuer> make_checked_issuer(std::unique_ptr<Issuer> inner, MakeClient make_client, std::string url) {
  return std::make_unique<CheckedIssuer>(std::move(inner), std::move(make_client), std::move(url));
}

}  // namespace lockstep::device
