#include "certstore/metadata.h"

#include <nlohmann/json.hpp>

#include "certstore/set_fixture.h"

namespace lockstep::certstore {
namespace {

using ::testing::ElementsAre;

TEST(Metadata, IsReadFromTheCertificate) {
  const x509::Certificate leaf = test_set().leaf;
  const Metadata metadata = metadata_of(leaf, "lockstep 1");
  EXPECT_EQ(metadata.issued_at, leaf.not_before);
  EXPECT_EQ(metadata.expires_at, leaf.not_after);
  EXPECT_EQ(metadata.serial, "0a");
  EXPECT_EQ(metadata.ca, "CN=Intermediate");
  EXPECT_EQ(metadata.key_type, "ECDSA P-256");
  EXPECT_EQ(metadata.acme_order_url, "");
  EXPECT_THAT(metadata.sans, ElementsAre("DNS:host.example"));
}

TEST(Metadata, ComesBackAsItWasWritten) {
  Metadata metadata = metadata_of(test_set().leaf, "lockstep \"1\"\n");
  metadata.acme_order_url = "https://ca.example/order/1";
  metadata.sans = {"DNS:a", "IP:::1", "URI:https://x/\\"};
  const std::string text = encode_metadata(metadata);
  const auto parsed = parse_metadata(text, "metadata.json");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(encode_metadata(*parsed), text);
  EXPECT_EQ(parsed->renewed_by, metadata.renewed_by);
  EXPECT_EQ(parsed->sans, metadata.sans);
  EXPECT_EQ(parsed->acme_order_url, metadata.acme_order_url);
  EXPECT_EQ(nlohmann::json::parse(text)["issued_at"], format_rfc3339(metadata.issued_at));
}

TEST(Metadata, UnknownFieldsAreIgnoredAndMissingOnesAreDamage) {
  const std::string text = encode_metadata(metadata_of(test_set().leaf, "lockstep 1"));
  auto document = nlohmann::json::parse(text);
  document["later"] = {{"a", 1}};
  EXPECT_TRUE(parse_metadata(document.dump(), "metadata.json"));
  for (const char* field :
       {"issued_at", "expires_at", "acme_order_url", "renewed_by", "serial", "sans", "ca", "key_type"}) {
    for (const bool erase : {true, false}) {
      auto broken = nlohmann::json::parse(text);
      if (erase)
        broken.erase(field);
      else
        broken[field] = 7;
      const auto parsed = parse_metadata(broken.dump(), "metadata.json");
      ASSERT_FALSE(parsed) << field;
      EXPECT_EQ(parsed.error().code, ErrorCode::damaged);
      EXPECT_EQ(parsed.error().message, "'metadata.json' is not valid metadata");
    }
  }
  for (std::size_t length = 0; length + 2 < text.size(); length += 13) {
    EXPECT_FALSE(parse_metadata(text.substr(0, length), "metadata.json"));
  }
}

TEST(Metadata, ABadTimeIsDamageAndNoCrash) {
  auto document = nlohmann::json::parse(encode_metadata(metadata_of(test_set().leaf, "x")));
  document["expires_at"] = "soon";
  EXPECT_FALSE(parse_metadata(document.dump(), "metadata.json"));
}

}  // namespace
}  // namespace lockstep::certstore
