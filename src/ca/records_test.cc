#include "ca/records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/authority.h"

namespace lockstep::ca {
namespace {

using ::testing::HasSubstr;

const std::string kHash(64, 'a');

TEST(Records, AreReadAsTheyWereWritten) {
  const RequestRecord request{kHash, 0x1f, Reason::expired, "certificate:02", testing::kTestTime};
  EXPECT_EQ(encode_record(decode_request(encode_record(request)).value()), encode_record(request));
  const Token token{kHash, "pump", 1000, 2000, true, std::string(64, 'b')};
  EXPECT_EQ(encode_record(decode_token(encode_record(token)).value()), encode_record(token));
  const Device device{"pump", "CN=pump,O=\"A\\\\B\"", kHash, 1000, true};
  const Device read = decode_device(encode_record(device)).value();
  EXPECT_EQ(read.subject, device.subject);
  EXPECT_EQ(encode_record(read), encode_record(device));
}

TEST(Records, ListsHaveTheFormOfTheIndex) {
  EXPECT_EQ(encode_list(std::vector<Token>{}), "[]\n");
  EXPECT_TRUE(decode_tokens("").value().empty());
  EXPECT_TRUE(decode_tokens("[]\n").value().empty());
  const std::vector<Device> devices = {{"a", "CN=a", "", 1, false}, {"b", "CN=b", "", 2, true}};
  EXPECT_EQ(decode_devices(encode_list(devices)).value().size(), 2U);
  const auto cut = decode_devices("[\n" + encode_record(devices[0]) + ",\n");
  EXPECT_THAT(cut.error().message, HasSubstr("devices.json"));
  EXPECT_EQ(cut.error().code, ErrorCode::damaged);
}

TEST(Records, RefuseEveryOtherLine) {
  const std::string good = encode_record(Token{kHash, "pump", 1000, 2000, false, ""});
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string line = good;
    return decode_token(line.replace(line.find(from), from.size(), to)).has_value();
  };
  EXPECT_TRUE(with("pump", "pump"));
  EXPECT_FALSE(with(kHash, "aa"));
  EXPECT_FALSE(with("pump", "../pump"));
  EXPECT_FALSE(with("\"no\"", "\"maybe\""));
  EXPECT_FALSE(with("1970", "x970"));
  EXPECT_FALSE(with("\"name\"", "\"other\""));
  EXPECT_FALSE(with("}", ",\"more\":\"\"}"));
  EXPECT_FALSE(with("}", ""));
  for (std::size_t length = 0; length < good.size(); ++length) EXPECT_FALSE(decode_token(good.substr(0, length)));
}

TEST(Records, DeviceNamesAreOnePlainWord) {
  EXPECT_TRUE(check_device_name("pump-7.example_A"));
  for (const std::string bad : {"", "-a", ".a", "a b", "a/b", "a,b", "\xc3\xa4"}) EXPECT_FALSE(check_device_name(bad));
  EXPECT_TRUE(check_device_name(std::string(64, 'a')));
  EXPECT_FALSE(check_device_name(std::string(65, 'a')));
}

}  // namespace
}  // namespace lockstep::ca
