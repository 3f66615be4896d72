// What is kept on disk beside a certificate: read back as written, and refused when it is something else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/hooks.h"
#include "agent/metrics.h"
#include "agent/order_journal.h"
#include "agent/renewal_state.h"

namespace lockstep::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

CertificateSettings settings() {
  CertificateSettings made;
  made.names = {"a.example", "*.b.example", "192.0.2.1"};
  made.server = "https://ca/dir";
  made.key_type = crypto::KeyType::ec384;
  made.profile = "short";
  made.renew_before = 86400;
  made.challenge = {ChallengeKind::dns_update, "192.0.2.53:53", "/etc/key", 30};
  made.hooks.deploy = {{"nginx", "-s", "reload"}, {"/usr/bin/true"}};
  made.hooks.rollback_on_deploy_failure = true;
  made.group = "www-data";
  return made;
}

TEST(RenewalStateFile, ReadBackAsWritten) {
  RenewalState state;
  state.settings = settings();
  state.ari = ChosenMoment{"0a", 1000, 2000, 1500, 3000, "https://ca/why"};
  state.deploy = PendingDeploy{7, "01", "02"};
  state.last_hook = HookOutcome{1234, false, "nginx -s reload", "exited with 1", "no such file\n"};
  state.attempts = {.total = 3,
                    .failed_in_a_row = 2,
                    .last = 99,
                    .not_before = 100,
                    .last_error = "no",
                    .last_error_code = "network"};
  const std::string text = encode_state(state);
  const RenewalState read = parse_state(text, "state").value();
  EXPECT_EQ(encode_state(read), text);
  EXPECT_TRUE(read.settings == state.settings);
  EXPECT_EQ(read.deploy->generation, 7U);
  EXPECT_EQ(encode_state(parse_state(encode_state({}), "empty").value()), encode_state({}));
}

TEST(RenewalStateFile, SomethingElseIsRefused) {
  const std::string good = encode_state({});
  for (const std::string& text :
       {std::string("{}"), std::string("[]"), good.substr(0, good.size() / 2), std::string("{\"settings\":7}")}) {
    const auto state = parse_state(text, "state");
    ASSERT_FALSE(state.has_value()) << text;
    EXPECT_EQ(state.error().code, ErrorCode::damaged);
    EXPECT_THAT(state.error().hint, HasSubstr("cert obtain"));
  }
}

TEST(OrderJournalFile, ReadBackAsWritten) {
  OrderJournal journal;
  journal.settings = settings();
  journal.account_url = "https://ca/acct/1";
  journal.order_url = "https://ca/order/1";
  journal.old_serial = "01";
  journal.request_sha256 = std::string(64, 'a');
  journal.placed_at = 1'772'366'400;
  journal.finalizing = true;
  journal.presented = {{acme::IdentifierType::ip, "192.0.2.1", "token", "token.print"}};
  const std::string text = encode_journal(journal);
  EXPECT_EQ(encode_journal(parse_journal(text, "journal").value()), text);
  EXPECT_EQ(parse_journal("{\"schema\":1}", "journal").error().code, ErrorCode::damaged);
}

// A file that was edited, or copied from elsewhere, must not make a run act outside of what is its own.
TEST(RecordFiles, WhatNoRunMayActOnIsRefused) {
  RenewalState state;
  state.settings = settings();
  OrderJournal journal{.settings = settings(),
                       .account_url = "https://ca/acct/1",
                       .order_url = "https://ca/order/1",
                       .old_serial = {},
                       .request_sha256 = {},
                       .placed_at = 1'772'366'400,
                       .finalizing = false,
                       .presented = {{acme::IdentifierType::dns, "a.example", "token", "token.print"}}};
  const std::string good_state = encode_state(state);
  const std::string good_journal = encode_journal(journal);
  const auto with = [](std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{{"\"a.example\"", "\"../a\""},
                                                                                 {"\"a.example\"", "\"A.EXAMPLE\""},
                                                                                 {"\"nginx\"", "\"\""},
                                                                                 {"\"schema\": 1", "\"schema\": 2"}}) {
    EXPECT_FALSE(parse_state(with(good_state, from, to), "state").has_value()) << to;
    EXPECT_FALSE(parse_journal(with(good_journal, from, to), "journal").has_value()) << to;
  }
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"\"token\": \"token\"", "\"token\": \"../../x\""},
                                                        {"\"token\": \"token\"", "\"token\": \"\""},
                                                        {"https://ca/order/1", "file:///etc/passwd"},
                                                        {"https://ca/acct/1", "http://127.0.0.1/acct"}}) {
    const auto parsed = parse_journal(with(good_journal, from, to), "journal");
    ASSERT_FALSE(parsed.has_value()) << to;
    EXPECT_EQ(parsed.error().code, ErrorCode::damaged);
  }
}

TEST(HookCommand, WordsAsAShellWouldSplitThemAndNothingExpanded) {
  EXPECT_EQ(split_command("nginx -s reload").value(), (HookProgram{"nginx", "-s", "reload"}));
  EXPECT_EQ(split_command(R"(a 'b  c' "d \"e\"" f\ g '')").value(), (HookProgram{"a", "b  c", "d \"e\"", "f g", ""}));
  EXPECT_EQ(split_command("a $HOME `b` ; rm -rf *").value(), (HookProgram{"a", "$HOME", "`b`", ";", "rm", "-rf", "*"}));
  for (const char* text : {"", "   ", "a 'b", "\"", "''"}) EXPECT_FALSE(split_command(text).has_value()) << text;
}

TEST(AgentMetrics, TextAndHealth) {
  Metrics metrics;
  DomainReport failed{.domain = "b.example", .status = DomainStatus::failed};
  failed.error = Error{ErrorCode::network, "no route", "", 0};
  const std::vector<CertificateView> views = {{.domain = "a.example", .not_after = 200000, .renew_at = 100000},
                                              {.domain = "b\"x", .not_after = 50}};
  metrics.observe_round(1000, 2000, 0.25, {failed}, views);
  metrics.observe_round(1000, 2000, 0.25, {failed}, {views[0]});
  const std::string text = metrics.text();
  EXPECT_THAT(text, HasSubstr("# TYPE lockstep_certificate_expiry_timestamp_seconds gauge\n"
                              "lockstep_certificate_expiry_timestamp_seconds{domain=\"a.example\"} 200000\n"));
  EXPECT_THAT(
      text,
      HasSubstr("lockstep_renewal_attempts_total{domain=\"b.example\",result=\"failure\",reason=\"network\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("lockstep_agent_round_duration_seconds 0.250000\n"));
  EXPECT_THAT(text, Not(HasSubstr("b\\\"x"))) << "a certificate that is gone is not reported for ever";
  bool healthy = false;
  EXPECT_THAT(metrics.health(1500, &healthy), HasSubstr("\"status\": \"ok\""));
  EXPECT_TRUE(healthy);
  EXPECT_THAT(metrics.health(200001, &healthy), HasSubstr("\"expired\": true"));
  EXPECT_FALSE(healthy);
}

}  // namespace
}  // namespace lockstep::agent
