// What a server's answer says about an identity that was shown to it.
#include <gtest/gtest.h>

#include "device/device_fixture.h"

namespace lockstep::device {
namespace {

class Answering final : public http::Client {
 public:
  Answering(int status, std::string* asked) : status_(status), asked_(asked) {}
  Result<http::Response> send(const http::Request& request) override {
    *asked_ = request.method + " " + request.url;
    if (status_ == 0) return fail(ErrorCode::network, "nobody answers");
    return http::Response{.status = status_, .headers = {}, .body = {}};
  }

 private:
  int status_;
  std::string* asked_;
};

// The verdict on an identity where the server answers so; nothing when it is not known.
std::optional<Verdict> verdict(int status) {
  std::string asked;
  std::string shown;
  const auto make_client = [&](std::shared_ptr<const http::ClientIdentity> identity) {
    shown = identity->certificate_pem;
    return Result<std::unique_ptr<http::Client>>(std::make_unique<Answering>(status, &asked));
  };
  const auto issuer = make_checked_issuer(std::make_unique<TestIssuer>(), make_client, "https://portal.example/whoami");
  const Identity identity{"the certificate", SecretBytes(std::string("the key"))};
  const auto said = issuer->check(identity, "r1");
  EXPECT_EQ(shown, "the certificate");
  EXPECT_EQ(asked, "GET https://portal.example/whoami");
  return said ? std::optional(*said) : std::nullopt;
}

TEST(CheckedIssuer, TellsARefusalFromAnAnswerAndFromSilence) {
  for (const int status : {200, 204, 302, 404}) EXPECT_EQ(verdict(status), Verdict::accepted) << status;
  for (const int status : {400, 401, 403}) EXPECT_EQ(verdict(status), Verdict::refused) << status;
  for (const int status : {500, 502, 503, 0}) EXPECT_EQ(verdict(status), std::nullopt) << status;
}

TEST(CheckedIssuer, AsksForCertificatesWhereTheOtherOneDoes) {
  auto inner = std::make_unique<TestIssuer>();
  inner->script.mood = Mood::refusing;
  const auto issuer = make_checked_issuer(std::move(inner), {}, "https://portal.example/");
  const auto refused = issuer->request({}, nullptr);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::issuer_refused);
}

}  // namespace
}  // namespace lockstep::device
