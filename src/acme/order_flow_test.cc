#include "acme/order_flow.h"

#include <gtest/gtest.h>

namespace lockstep::acme {
namespace {

Authorization authorization(const std::string& status, const std::string& challenge_status = "pending") {
  Authorization made;
  made.status = status;
  made.identifier = {IdentifierType::dns, "a.example"};
  made.challenges = {{"dns-01", "https://ca/c/1", "other", "pending", {}},
                     {"http-01", "https://ca/c/2", "token", challenge_status, {}}};
  return made;
}

OrderProgress progress(OrderStatus status, std::size_t count) {
  OrderProgress made;
  made.order.status = status;
  made.authorizations.resize(count);
  return made;
}

TEST(OrderFlow, FromTheFirstLookToTheDownload) {
  OrderProgress now = progress(OrderStatus::pending, 2);
  std::string done;
  for (int i = 0; i < 20; ++i) {
    const Step step = next_step(now, "http-01").value();
    AuthorizationProgress& one = now.authorizations[step.index];
    switch (step.kind) {
      case StepKind::look:
        one.seen = authorization("pending");
        done += "look ";
        break;
      case StepKind::present:
        one.presented = true;
        EXPECT_EQ(step.challenge, 1U);
        done += "present ";
        break;
      case StepKind::respond:
        one.responded = true;
        done += "respond ";
        break;
      case StepKind::wait:
        one.seen = authorization("valid");
        done += "wait ";
        break;
      case StepKind::poll:
        now.order.status = OrderStatus::ready;
        done += "poll ";
        break;
      case StepKind::finalize:
        now.order.status = OrderStatus::valid;
        done += "finalize ";
        break;
      case StepKind::download:
        done += "download";
        i = 20;
        break;
    }
  }
  EXPECT_EQ(done, "look look present present respond respond wait wait poll finalize download");
}

TEST(OrderFlow, WhatIsValidAlreadyIsSkipped) {
  OrderProgress now = progress(OrderStatus::pending, 2);
  now.authorizations[0].seen = authorization("valid");
  now.authorizations[1].seen = authorization("pending");
  const Step step = next_step(now, "http-01").value();
  EXPECT_EQ(step.kind, StepKind::present);
  EXPECT_EQ(step.index, 1U);
}

// A crash after the answer: the server looks already, the proof must be in its place again, and nobody answers twice.
TEST(OrderFlow, AResumedChallengeThatIsLookedAtIsNotAnsweredAgain) {
  OrderProgress now = progress(OrderStatus::pending, 1);
  now.authorizations[0].seen = authorization("pending", "processing");
  EXPECT_EQ(next_step(now, "http-01")->kind, StepKind::present);
  now.authorizations[0].presented = true;
  EXPECT_EQ(next_step(now, "http-01")->kind, StepKind::wait);
}

TEST(OrderFlow, WhatIsOverIsSaid) {
  EXPECT_EQ(next_step(progress(OrderStatus::invalid, 0), "http-01").error().code, ErrorCode::acme_order_lost);
  OrderProgress now = progress(OrderStatus::pending, 1);
  now.authorizations[0].seen = authorization("deactivated");
  EXPECT_EQ(next_step(now, "http-01").error().code, ErrorCode::acme_order_lost);
  now.authorizations[0].seen = authorization("invalid");
  now.authorizations[0].seen->challenges[1].error = Problem{"connection", "cannot connect", 400, {}};
  const auto failed = next_step(now, "http-01");
  EXPECT_EQ(failed.error().code, ErrorCode::challenge_failed);
  EXPECT_NE(failed.error().message.find("a.example by http-01: cannot connect (connection)"), std::string::npos)
      << failed.error().message;
  now.authorizations[0].seen = authorization("pending");
  now.authorizations[0].seen->wildcard = true;
  const auto refused = next_step(now, "tls-alpn-01");
  EXPECT_EQ(refused.error().code, ErrorCode::acme_refused);
  EXPECT_NE(refused.error().message.find("*.a.example, only: dns-01, http-01"), std::string::npos);
  EXPECT_NE(refused.error().hint.find("--dns"), std::string::npos);
}

}  // namespace
}  // namespace lockstep::acme
