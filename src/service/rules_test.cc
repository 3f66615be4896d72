// The interpreter against the table that the page's is held against too.
#include "service/rules.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace lockstep::service {
namespace {

using Json = nlohmann::ordered_json;

Json source(const char* name) {
  std::ifstream in(std::string(SERVICE_SOURCE) + "/" + name);
  std::stringstream text;
  text << in.rdbuf();
  return Json::parse(text.str());
}

TEST(Rules, EachCaseOfTheTable) {
  const Json cases = source("rules_cases.json").at("cases");
  ASSERT_GT(cases.size(), 150U);
  for (const Json& each : cases) {
    std::map<std::string, std::string> found;
    for (const auto& [field, error] : check_rules(each.at("kind").get<std::string>(), each.at("value"))) {
      found.emplace(field, error.kind);
      EXPECT_FALSE(error.message.empty());
    }
    EXPECT_EQ(found, (each.at("errors").get<std::map<std::string, std::string>>())) << each.dump();
  }
}

TEST(Rules, ValuesThatAreNoObjectsHaveEverythingMissing) {
  for (const char* text : {"7", "[]", "\"x\"", "null"}) {
    EXPECT_TRUE(check_rules("group", Json::parse(text)).contains("name")) << text;
  }
}

TEST(Rules, TheDocumentIsWhatIsInTheSource) {
  EXPECT_EQ(Json::parse(rules_document()), source("rules.json"));
  EXPECT_EQ(rule_fields("server").at("port").at("default"), 443);
}

}  // namespace
}  // namespace lockstep::service
