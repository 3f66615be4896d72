#include "dns/tsig.h"

#include <gtest/gtest.h>
#include <ldns/ldns.h>

#include <ctime>

#include "dns/message.h"

namespace lockstep::dns {
namespace {

// base64 of 33 octets: the same with and without the alphabet of URLs.
constexpr const char* kSecret = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LWEh";

TsigKey make_key(const std::string& algorithm = "hmac-sha256", const std::string& name = "acme.example") {
  return {name, algorithm, SecretBytes(kSecret)};
}

// libldns is the judge; it takes the time from the system, so that is "now" here.
UnixSeconds now() { return std::time(nullptr); }

std::string to_text(std::uint8_t* bytes, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(bytes), size);
  std::free(bytes);
  return text;
}

ldns_pkt* parse(const std::string& wire) {
  ldns_pkt* packet = nullptr;
  EXPECT_EQ(ldns_wire2pkt(&packet, reinterpret_cast<const std::uint8_t*>(wire.data()), wire.size()), LDNS_STATUS_OK);
  return packet;
}

// What a server answers to the request, signed by libldns.
std::string answer_to(const std::string& request, const std::string& name = "acme.example",
                      const std::string& algorithm = "hmac-sha256.") {
  ldns_pkt* asked = parse(request);
  ldns_pkt* answer = parse(request.substr(0, 2) + std::string("\x84\x00\0\0\0\0\0\0\0\0", 10));
  const ldns_rdf* mac = ldns_rr_rdf(ldns_pkt_tsig(asked), 3);
  EXPECT_EQ(ldns_pkt_tsig_sign(answer, name.c_str(), kSecret, 300, algorithm.c_str(), mac), LDNS_STATUS_OK);
  std::uint8_t* bytes = nullptr;
  std::size_t size = 0;
  EXPECT_EQ(ldns_pkt2wire(&bytes, answer, &size), LDNS_STATUS_OK);
  ldns_pkt_free(asked);
  ldns_pkt_free(answer);
  return to_text(bytes, size);
}

SignedMessage request(const TsigKey& key) {
  const auto update = make_txt_update(7, "example.com", "_acme-challenge.example.com", "value", TxtChange::add);
  EXPECT_TRUE(update) << update.error().message;
  auto signed_message = sign_message(*update, key, now());
  EXPECT_TRUE(signed_message) << signed_message.error().message;
  return *signed_message;
}

TEST(Tsig, SignsAsLdnsVerifies) {
  for (const char* algorithm : {"hmac-sha256", "hmac-sha512"}) {
    const SignedMessage message = request(make_key(algorithm));
    ldns_pkt* packet = parse(message.wire);
    EXPECT_TRUE(ldns_pkt_tsig_verify(packet, reinterpret_cast<const std::uint8_t*>(message.wire.data()),
                                     message.wire.size(), "acme.example", kSecret, nullptr));
    ldns_pkt_free(packet);
  }
  EXPECT_EQ(request(make_key("hmac-sha384")).mac.size(), 48U);
}

TEST(Tsig, VerifiesWhatLdnsSigned) {
  const TsigKey key = make_key();
  const SignedMessage asked = request(key);
  const std::string answer = answer_to(asked.wire);
  const Status verified = verify_answer(answer, key, asked.mac, now());
  EXPECT_TRUE(verified) << verified.error().message;
}

TEST(Tsig, BelievesNothingElse) {
  const TsigKey key = make_key();
  const SignedMessage asked = request(key);
  const std::string answer = answer_to(asked.wire);
  const UnixSeconds time = now();
  const auto code = [&](const std::string& wire, const TsigKey& with, const std::string& mac, UnixSeconds when) {
    const Status verified = verify_answer(wire, with, mac, when);
    EXPECT_FALSE(verified);
    return verified ? ErrorCode::internal : verified.error().code;
  };
  EXPECT_EQ(code(answer, key, std::string(32, 'x'), time), ErrorCode::untrusted);  // to another request
  EXPECT_EQ(code(answer, make_key("hmac-sha256", "other"), asked.mac, time), ErrorCode::untrusted);
  EXPECT_EQ(code(answer, make_key("hmac-sha512"), asked.mac, time), ErrorCode::untrusted);
  EXPECT_EQ(code(answer, key, asked.mac, time + 400), ErrorCode::untrusted);
  EXPECT_EQ(code(answer, key, asked.mac, time - 400), ErrorCode::untrusted);
  EXPECT_EQ(code(answer_to(asked.wire, "other.example"), key, asked.mac, time), ErrorCode::untrusted);
  EXPECT_EQ(code(answer.substr(0, 10) + std::string(2, '\0'), key, asked.mac, time), ErrorCode::untrusted);
  EXPECT_EQ(code("", key, asked.mac, time), ErrorCode::parse_error);
  EXPECT_EQ(code(answer + "x", key, asked.mac, time), ErrorCode::parse_error);
  for (std::size_t size = 0; size < answer.size(); ++size) {
    EXPECT_FALSE(verify_answer(std::string_view(answer).substr(0, size), key, asked.mac, time)) << size;
  }
}

// Every bit of the message counts, but for the identifier: the record has the one that was signed, and the caller
// compares the other. Names are the same in either case.
TEST(Tsig, NoticesEveryChangedBit) {
  const TsigKey key = make_key();
  const SignedMessage asked = request(key);
  const std::string answer = answer_to(asked.wire);
  for (std::size_t bit = 16; bit < 8 * answer.size(); ++bit) {
    std::string changed = answer;
    changed[bit / 8] = static_cast<char>(static_cast<unsigned char>(changed[bit / 8]) ^ (1U << bit % 8));
    const bool letter_case = bit % 8 == 5 && std::isalpha(static_cast<unsigned char>(answer[bit / 8])) != 0;
    const Status verified = verify_answer(changed, key, asked.mac, now());
    if (verified && letter_case) continue;
    // The class and the time to live of the record itself are not transmitted into the digest.
    const auto kept = split_tsig(changed);
    if (!verified) continue;
    EXPECT_TRUE(kept && kept->unsigned_message == split_tsig(answer)->unsigned_message) << bit;
  }
}

TEST(Message, AsksForNamesAlone) {
  for (const char* bad : {"", ".", "a..b", "a b", "a\\046b", "a/b"}) {
    EXPECT_FALSE(make_soa_query(1, bad)) << bad;
    EXPECT_FALSE(name_to_wire(bad)) << bad;
  }
  EXPECT_FALSE(make_soa_query(1, std::string(64, 'a') + ".example"));
  EXPECT_EQ(*name_to_wire("A.example"), std::string("\x01"
                                                    "a\x07"
                                                    "example\0",
                                                    11));
}

TEST(Message, ReadsAnAnswer) {
  const auto query = make_soa_query(7, "www.example.com");
  ASSERT_TRUE(query);
  const auto answer = parse_answer(*query, "www.example.com");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->id, 7);
  EXPECT_FALSE(answer->is_response);
  EXPECT_EQ(answer->zone, "");
  for (std::size_t size = 0; size < query->size(); ++size) EXPECT_FALSE(parse_answer(query->substr(0, size), "a"));
  EXPECT_EQ(split_tsig(*query).error().code, ErrorCode::untrusted);
}

TEST(Message, KnowsWhatIsBelowAZone) {
  EXPECT_TRUE(is_below("a.example", "example"));
  EXPECT_TRUE(is_below("example", "example"));
  EXPECT_FALSE(is_below("anexample", "example"));
  EXPECT_FALSE(is_below("example", "a.example"));
}

}  // namespace
}  // namespace lockstep::dns
