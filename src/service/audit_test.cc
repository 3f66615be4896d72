#include "service/audit.h"

#include <gtest/gtest.h>

#include <map>

namespace lockstep::service {
namespace {

constexpr UnixSeconds kTime = 1'800'000'000;

TEST(Audit, ALineForEachChangeWithItsFields) {
  const std::vector<Change> changes = {{"UPDATED", "server", "server-001", "Web", {{"port", "443", "8443"}}},
                                       {"DELETED", "group", "group-1", "Front", {}}};
  EXPECT_EQ(audit_lines(kTime, {"token", "192.0.2.1"}, changes),
            R"({"time":"2027-01-15T08:00:00Z","level":"INFO","who":"token","address":"192.0.2.1","action":"UPDATED",)"
            R"("kind":"server","id":"server-001","name":"Web","changes":[{"field":"port","from":443,"to":8443}]})"
            "\n"
            R"({"time":"2027-01-15T08:00:00Z","level":"INFO","who":"token","address":"192.0.2.1","action":"DELETED",)"
            R"("kind":"group","id":"group-1","name":"Front"})"
            "\n");
}

TEST(Audit, SecretsAreMaskedHoweverDeepTheyLie) {
  const std::vector<Change> changes = {
      {"UPDATED",
       "server",
       "s",
       "S",
       {{"apiToken", "\"one\"", "\"two\""},
        {"login", "", R"({"user":"u","Password":"p","more":[{"private_key":"k"}]})"}}}};
  const std::string lines = audit_lines(kTime, {"by hand", ""}, changes);
  EXPECT_NE(lines.find(R"({"field":"apiToken","from":"***","to":"***"})"), std::string::npos) << lines;
  EXPECT_NE(lines.find(R"("from":null,"to":{"user":"u","Password":"***","more":[{"private_key":"***"}]})"),
            std::string::npos)
      << lines;
}

TEST(Audit, KnowsTheNamesOfSecrets) {
  for (const char* key :
       {"Passphrase", "dbPwd", "Authorization", "private_key_pem", "privateKeyFile", "key", "api_key"}) {
    const std::string lines =
        audit_lines(kTime, {"token", ""}, {{"UPDATED", "server", "s", "S", {{key, "\"hidden\"", "\"hidden\""}}}});
    EXPECT_EQ(lines.find("hidden"), std::string::npos) << lines;
  }
}

TEST(Audit, ARefusalSaysWhatWasWrong) {
  EXPECT_EQ(
      audit_refusal(kTime, {"anonymous", "::1"}, "PUT /api/x\n", {400, "Validation failed", {{"name", "No"}}}, 3),
      R"({"time":"2027-01-15T08:00:00Z","level":"WARN","who":"anonymous","address":"::1","action":"REFUSED",)"
      R"("request":"PUT /api/x\n","status":400,"error":"Validation failed","fields":{"name":"No"},"suppressed":3})"
      "\n");
}

TEST(Audit, ARefusalIsShortWhateverWasSent) {
  std::map<std::string, std::string> fields;
  for (int i = 0; i < 5000; ++i) fields.emplace(std::to_string(i) + std::string(5000, 'f'), std::string(5000, 'm'));
  const std::string line = audit_refusal(kTime, {std::string(5000, 'w'), "::1"}, std::string(15000, 'r'),
                                         {400, std::string(5000, 'e'), fields}, 0);
  EXPECT_LT(line.size(), 10'000U);
  EXPECT_NE(line.find("rrr… (15000 bytes)"), std::string::npos) << line;
  EXPECT_NE(line.find("\"…\":\"5000 fields in all\""), std::string::npos) << line;
  EXPECT_EQ(shortened(std::string(256, 'x')), std::string(256, 'x'));
}

TEST(Audit, TheBrakeCountsWhatItHoldsBack) {
  RefusalBrake brake;
  std::size_t suppressed = 0;
  int written = 0;
  for (int i = 0; i < 100; ++i) written += brake.take(std::chrono::milliseconds(500), &suppressed) ? 1 : 0;
  EXPECT_EQ(written, 20);
  EXPECT_TRUE(brake.take(std::chrono::milliseconds(1500), &suppressed));
  EXPECT_EQ(suppressed, 80U);
}

}  // namespace
}  // namespace lockstep::service
