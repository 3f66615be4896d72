// Answers of a name server: the parser takes any bytes, and only what was signed with our key is believed. The first
// byte says whether the input is the whole answer, or a message that is to be signed and then damaged.
#include <array>

#include "base/base64.h"
#include "crypto/hmac.h"
#include "dns/message.h"
#include "dns/tsig.h"
#include "input.h"
#include "property.h"

namespace {

using namespace lockstep;
using namespace lockstep::dns;
using fuzz::require;

constexpr UnixSeconds kNow = 1'772'366'400;
constexpr std::string_view kSecret = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LWEh";
constexpr std::string_view kRequestMac = "a request's signature of no matter which bytes";

const TsigKey& our_key() {
  static const TsigKey key{"acme.example", "hmac-sha256", SecretBytes(std::string(kSecret))};
  return key;
}

std::string number(std::uint64_t value, std::size_t octets) {
  std::string out(octets, '\0');
  for (std::size_t i = octets; i-- > 0; value >>= 8U) out[i] = static_cast<char>(value & 0xffU);
  return out;
}

void check_any(std::string_view wire) {
  const auto answer = parse_answer(wire, "_acme-challenge.example.com");
  if (answer)
    require(answer->alias.size() <= 1024 && answer->zone.size() <= 1024, "names of an answer are of a bounded length");
  const Status verified = verify_answer(wire, our_key(), kRequestMac, kNow);
  require(!verified.has_value(), "what was not signed is not believed");
  require(!verified.error().message.empty(), "a refusal says why");
}

// RFC 8945 section 4.3, written down here a second time.
std::string sign(const std::string& message, std::uint64_t time, std::uint64_t error) {
  const std::string name = fuzz::must(name_to_wire(our_key().name), "the key has a name");
  const std::string algorithm = fuzz::must(name_to_wire(our_key().algorithm), "the algorithm has a name");
  const std::string any{"\x00\xff\x00\x00\x00\x00", 6};  // class ANY, no time to live
  const std::string variables =
      name + any + algorithm + number(time, 6) + number(300, 2) + number(error, 2) + number(0, 2);
  const std::string secret = fuzz::must(base64url_decode(kSecret), "the secret is base64");
  const std::string mac =
      fuzz::must(crypto::hmac(crypto::HmacDigest::sha256, secret,
                              number(kRequestMac.size(), 2) + std::string(kRequestMac) + message + variables),
                 "a signature is made");
  const std::string data = algorithm + number(time, 6) + number(300, 2) + number(mac.size(), 2) + mac +
                           message.substr(0, 2) + number(error, 2) + number(0, 2);
  std::string wire = message + name + std::string("\x00\xfa", 2) + any + number(data.size(), 2) + data;
  const auto count = static_cast<unsigned>(static_cast<unsigned char>(message[10]) * 256U +
                                           static_cast<unsigned char>(message[11]) + 1U);
  wire.replace(10, 2, number(count, 2));
  return wire;
}

void check_signed(fuzz::Input input) {
  const std::size_t place = input.word();
  const auto flip = static_cast<char>(input.byte() | 1);
  constexpr std::array<std::int64_t, 5> kAges{0, 300, -300, 301, -301};
  const std::int64_t age = input.of(std::span<const std::int64_t>(kAges));
  const std::uint64_t error = input.pick(4) == 3 ? 16 : 0;
  std::string message(kHeaderSize, '\0');
  message.replace(0, 2, "\x01\x02");
  for (std::size_t i = 2; i < kHeaderSize; ++i) message[i] = static_cast<char>(input.byte());
  while (!input.at_end()) message += input.bytes();
  if (message[10] == '\xff' && message[11] == '\xff') return;  // no room to count one more record
  const std::string wire = sign(message, static_cast<std::uint64_t>(kNow - age), error);
  // A message whose records cannot be read has no end to look for the signature at.
  const auto record = split_tsig(wire);
  if (!record || record->unsigned_message != message) return;
  const bool young = age >= -300 && age <= 300;
  const Status verified = verify_answer(wire, our_key(), kRequestMac, kNow);
  require(verified.has_value() == (young && error == 0), "a signed answer is believed for five minutes");
  require(!verify_answer(wire, our_key(), "another request", kNow), "an answer is to one request only");
  // The identifier of a relayed message may be another; the record brings the one that was signed.
  const std::size_t at = 2 + place % (wire.size() - 2);
  std::string damaged = wire;
  damaged[at] = static_cast<char>(damaged[at] ^ flip);
  const auto changed = split_tsig(damaged);
  // Names are compared in lower case.
  const bool same = changed && changed->unsigned_message == record->unsigned_message && changed->name == record->name &&
                    changed->algorithm == record->algorithm && changed->mac == record->mac &&
                    changed->time == record->time && changed->fudge == record->fudge &&
                    changed->error == record->error && changed->other == record->other;
  if (!same) require(!verify_answer(damaged, our_key(), kRequestMac, kNow), "a damaged answer is not believed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest = fuzz::text_of(data, size).substr(1);
  if ((data[0] & 1U) == 0)
    check_any(rest);
  else
    check_signed(fuzz::Input(rest));
  return 0;
}
