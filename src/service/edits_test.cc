// Edits as pure functions: ids, preconditions, what is refused and with which words.
#include "service/edits.h"

#include <gmock/gmock.h>

#include "service/configuration_files.h"
#include "service/store_fixture.h"

namespace lockstep::service {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

Configuration configuration() {
  testing::SimFileSystem disk;
  prepare_configuration(disk);
  return parse_configuration({disk.read_file(kTestServers), disk.read_file(kTestLayout)}).value();
}
std::string tag(const Configuration& in, const char* id) {
  return in.server(id) != nullptr ? entity_tag(*in.server(id)) : entity_tag(*in.group(id));
}

TEST(ServerEdits, TakeTheLowestFreeIdOrTheGivenOne) {
  Configuration now = configuration();
  EXPECT_EQ(create_server(now, server_body("a"))->after.servers.back().id, "server-003");
  now = delete_server(now, "server-001", tag(now, "server-001"))->after;
  EXPECT_EQ(create_server(now, server_body("a"))->after.servers.back().id, "server-001");
  TestJson body = server_body("a");
  body["id"] = "mine";
  EXPECT_EQ(create_server(now, body)->after.servers.back().id, "mine");
  body["id"] = "server-002";
  EXPECT_EQ(create_server(now, body).error().status, 409);
}

TEST(ServerEdits, DeletingTakesItOutOfItsGroups) {
  const Configuration now = configuration();
  const auto edited = delete_server(now, "server-002", tag(now, "server-002"));
  ASSERT_TRUE(edited);
  EXPECT_THAT(edited->after.group("group-1")->server_ids, ElementsAre("server-001"));
  EXPECT_THAT(edited->after.group("group-2")->server_ids, ElementsAre());
  EXPECT_EQ(edited->data, R"({"deletedId":"server-002"})");
}

TEST(ServerEdits, ReplacingTakesDefaultsForWhatIsLeftOutAndKeepsUnknownKeys) {
  const Configuration now = configuration();
  const auto edited = replace_server(now, "server-001", tag(now, "server-001"), {{"name", "W"}, {"ip", "::1"}});
  ASSERT_TRUE(edited);
  EXPECT_EQ(edited->data,
            R"({"id":"server-001","name":"W","ip":"::1","dnsAddress":"","port":443,"protocol":"tls",)"
            R"("checkIntervalSeconds":30,"consecutiveSuccesses":3,"consecutiveFailures":3,"expiryWarningDays":30,)"
            R"("note":"kept"})");
  EXPECT_NE(edited->tag, tag(now, "server-001"));
}

TEST(ServerEdits, NeedTheTagOfWhatIsThere) {
  const Configuration now = configuration();
  const std::string good = tag(now, "server-001");
  const auto status = [&](const std::string& sent) {
    const auto edited = replace_server(now, "server-001", sent, server_body("W"));
    return edited ? 200 : edited.error().status;
  };
  EXPECT_EQ(status(""), 428);
  EXPECT_EQ(status("*"), 428);
  EXPECT_EQ(status("\"other\""), 412);
  EXPECT_EQ(status("W/" + good), 412);
  EXPECT_EQ(status("\"other\", " + good), 200);
  EXPECT_EQ(status(good), 200);
  EXPECT_EQ(replace_server(now, "none", good, server_body("W")).error().status, 404);
  EXPECT_EQ(delete_server(now, "server-001", "").error().status, 428);
}

TEST(ServerEdits, SayWhatIsWrongFieldByField) {
  const Configuration now = configuration();
  const auto refused = create_server(now, {{"name", ""}, {"ip", "x"}, {"port", 0}, {"tags", {"a", "a"}}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error, "Validation failed");
  EXPECT_THAT(refused.error().fields, ElementsAre(Pair("ip", ::testing::_), Pair("name", "Give the server a name"),
                                                  Pair("port", ::testing::_), Pair("tags.1", ::testing::_)));
  TestJson body = server_body("W");
  body["id"] = "other";
  EXPECT_EQ(replace_server(now, "server-001", tag(now, "server-001"), body).error().fields.count("id"), 1U);
}

TEST(GroupEdits, GiveNewIdsAndPlaces) {
  const Configuration now = configuration();
  const auto made = create_group(now, {{"name", "Third"}});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->data, R"({"id":"group-3","name":"Third","order":3,"serverIds":[],"rowNumber":3,"rowOrder":1})");
  const auto beside = create_group(made->after, {{"name", "Beside"}, {"rowNumber", 3}});
  EXPECT_EQ(beside->after.groups.back().row_order, 2);
}

TEST(GroupEdits, ANumberThatIsTooHighStopsNobody) {
  Configuration now = create_group(configuration(), {{"id", "group-999999999999"}, {"name", "High"}})->after;
  for (int i = 0; i < 3; ++i) {
    const auto made = create_group(now, {{"name", "More " + std::to_string(i)}});
    ASSERT_TRUE(made) << made.error().error;
    now = made->after;
  }
}

TEST(Edits, IdsThatNoAddressLeadsToAreRefused) {
  const Configuration now = configuration();
  for (const char* id : {".", ".."}) {
    TestJson body = server_body("W");
    body["id"] = id;
    ASSERT_FALSE(create_server(now, body)) << id;
    EXPECT_EQ(create_server(now, body).error().fields.count("id"), 1U) << id;
    ASSERT_FALSE(create_group(now, {{"id", id}, {"name", "G"}})) << id;
  }
  const auto order = create_group(now, {{"id", "order"}, {"name", "G"}});
  ASSERT_FALSE(order);
  EXPECT_EQ(order.error().fields.count("id"), 1U);
  TestJson server = server_body("W");
  server["id"] = "order";
  EXPECT_TRUE(create_server(now, server));
}

TEST(GroupEdits, NamesAreUniqueWithoutRegardToCase) {
  const Configuration now = configuration();
  EXPECT_EQ(create_group(now, {{"name", "fRONT"}}).error().fields.count("name"), 1U);
  const Configuration sharp = create_group(now, {{"name", "Straße É"}})->after;
  EXPECT_EQ(create_group(sharp, {{"name", "STRASSE e\u0301"}}).error().fields.count("name"), 1U);
  EXPECT_TRUE(replace_group(now, "group-1", tag(now, "group-1"), {{"name", "front"}}));
}

TEST(GroupEdits, ServersMustBeThere) {
  const Configuration now = configuration();
  const auto refused = create_group(now, {{"name", "X"}, {"serverIds", {"server-001", "none"}}});
  EXPECT_THAT(refused.error().fields, ElementsAre(Pair("serverIds.1", "There is no such server")));
}

TEST(GroupEdits, DeletingLeavesItsServersOrGivesThemToTheFirst) {
  Configuration now = configuration();
  const auto left = delete_group(now, "group-1", tag(now, "group-1"), Reassign::unassign);
  EXPECT_EQ(left->data, R"({"deletedId":"group-1","reassignedServers":[]})");
  const auto given = delete_group(now, "group-1", tag(now, "group-1"), Reassign::default_group);
  EXPECT_EQ(given->data, R"({"deletedId":"group-1","reassignedServers":["server-001"]})");
  EXPECT_THAT(given->after.group("group-2")->server_ids, ElementsAre("server-002", "server-001"));
}

TEST(GroupEdits, AnArrangementNamesEveryGroupOnce) {
  const Configuration now = configuration();
  const auto place = [](const char* id, int row) {
    return TestJson{{"id", id}, {"order", row}, {"rowNumber", row}, {"rowOrder", 1}, {"serverIds", {"server-001"}}};
  };
  const std::string all = entity_tag(now.groups);
  const auto made = arrange_groups(now, all, {{"groups", {place("group-2", 1), place("group-1", 2)}}});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->after.group("group-1")->row_number, 2);
  EXPECT_EQ(made->tag, entity_tag(made->after.groups));
  const auto errors = [&](const TestJson& body) { return arrange_groups(now, all, body).error().fields; };
  EXPECT_EQ(errors({{"groups", {place("group-1", 1)}}}).count("groups"), 1U);
  EXPECT_EQ(errors({{"groups", {place("group-1", 1), place("group-1", 2)}}}).count("groups.1.id"), 1U);
  EXPECT_EQ(errors({{"groups", {place("group-1", 1), place("none", 2)}}}).count("groups.1.id"), 1U);
  EXPECT_EQ(errors({{"groups", {place("group-1", 0), place("group-2", 2)}}}).count("groups.0.order"), 1U);
  EXPECT_EQ(errors(TestJson::object()).count("groups"), 1U);
  EXPECT_EQ(arrange_groups(now, tag(now, "group-1"), {{"groups", TestJson::array()}}).error().status, 412);
}

TEST(Changes, NameFieldsWithTheirOldAndNewValue) {
  const Configuration now = configuration();
  const auto edited = replace_server(now, "server-002", tag(now, "server-002"),
                                     {{"name", "Mail"}, {"dnsAddress", "mail.example.com"}, {"port", 25}});
  const auto changes = changes_between(now, edited->after);
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].what + changes[0].id, "UPDATEDserver-002");
  ASSERT_EQ(changes[0].fields.size(), 1U);
  EXPECT_EQ(changes[0].fields[0].name + changes[0].fields[0].from + changes[0].fields[0].to, "port46525");
}

}  // namespace
}  // namespace lockstep::service
