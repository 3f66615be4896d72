#include "dns/tsig.h"

#include <cstdint>
#include <cstdlib>

#include "base/base64.h"
#include "crypto/hmac.h"
#include "dns/message.h"

namespace lockstep::dns {

namespace {

constexpr std::int64_t kFudge = 300;  // seconds, as RFC 8945 section 10 recommends
constexpr std::string_view kClassAny{"\x00\xff", 2};
constexpr std::string_view kTypeTsig{"\x00\xfa", 2};
constexpr std::string_view kNoTtl{"\x00\x00\x00\x00", 4};

// The errors that are only in TSIG records (RFC 8945 section 3).
constexpr std::uint64_t kBadSignature = 16;
constexpr std::uint64_t kBadKey = 17;
constexpr std::uint64_t kBadTime = 18;

std::string number(std::uint64_t value, std::size_t octets) {
  std::string out(octets, '\0');
  for (std::size_t i = octets; i-- > 0; value >>= 8U) out[i] = static_cast<char>(value & 0xffU);
  return out;
}

std::uint64_t to_number(std::string_view octets) {
  std::uint64_t value = 0;
  for (const char octet : octets) value = value << 8U | static_cast<unsigned char>(octet);
  return value;
}

crypto::HmacDigest digest_of(const TsigKey& key) {
  if (key.algorithm == "hmac-sha512") return crypto::HmacDigest::sha512;
  return key.algorithm == "hmac-sha384" ? crypto::HmacDigest::sha384 : crypto::HmacDigest::sha256;
}

// The padded form of files, by way of the one that base knows.
Result<SecretBytes> decode_secret(const TsigKey& key) {
  std::string text(key.secret.reveal());
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  auto decoded = base64url_decode(text);
  wipe(text);
  if (decoded) return SecretBytes(std::move(*decoded));
  return fail(ErrorCode::invalid_argument, "the secret of the TSIG key '" + key.name + "' is not base64",
              "copy it again from the name server's configuration");
}

// RFC 8945 section 4.3.3: the variables of the record, in the order in which they are digested.
std::string variables(const TsigRecord& record) {
  return record.name + std::string(kClassAny) + std::string(kNoTtl) + record.algorithm + record.time + record.fudge +
         record.error + number(record.other.size(), 2) + record.other;
}

Result<std::string> compute_mac(const TsigKey& key, std::string_view before, const TsigRecord& record) {
  const SecretBytes secret = TRY(decode_secret(key));
  return crypto::hmac(digest_of(key), secret.reveal(),
                      std::string(before) + record.unsigned_message + variables(record));
}

Result<TsigRecord> own_record(const TsigKey& key, UnixSeconds time, std::string_view message) {
  TsigRecord record;
  record.name = TRY(name_to_wire(key.name));
  record.algorithm = TRY(name_to_wire(key.algorithm));
  record.time = number(static_cast<std::uint64_t>(time), 6);
  record.fudge = number(kFudge, 2);
  record.error = number(0, 2);
  record.unsigned_message = message;
  return record;
}

// What the server says against our signature; nothing of it is signed but BADTIME.
Status check_error(const TsigRecord& record, const TsigKey& key, UnixSeconds now) {
  const std::string what = "the name server refuses the signature of the key '" + key.name + "' ";
  switch (to_number(record.error)) {
    case 0: return {};
    case kBadKey:
      return fail(ErrorCode::permission_denied, what + "(BADKEY: it does not know that key with " + key.algorithm + ")",
                  "compare the key's name and algorithm with the name server's configuration");
    case kBadSignature:
      return fail(ErrorCode::permission_denied, what + "(BADSIG: the secret is another one)",
                  "copy the secret again from the name server's configuration");
    case kBadTime: {
      const auto theirs = static_cast<std::int64_t>(to_number(record.other));
      return fail(ErrorCode::permission_denied,
                  what + "(BADTIME: its clock is " + std::to_string(std::abs(theirs - now)) + " s from ours)",
                  "correct the clocks of both machines");
    }
    default:
      return fail(ErrorCode::permission_denied, what + "(TSIG error " + std::to_string(to_number(record.error)) + ")");
  }
}

}  // namespace

Result<SignedMessage> sign_message(std::string_view wire, const TsigKey& key, UnixSeconds now) {
  LOCKSTEP_CHECK(wire.size() >= kHeaderSize);
  const TsigRecord record = TRY(own_record(key, now, wire));
  SignedMessage out;
  out.mac = TRY(compute_mac(key, "", record));
  const std::string data = record.algorithm + record.time + record.fudge + number(out.mac.size(), 2) + out.mac +
                           std::string(wire.substr(0, 2)) + record.error + number(0, 2);
  out.wire = std::string(wire) + record.name + std::string(kTypeTsig) + std::string(kClassAny) + std::string(kNoTtl) +
             number(data.size(), 2) + data;
  constexpr std::size_t kAdditionalCount = 10;
  out.wire.replace(kAdditionalCount, 2, number(to_number(wire.substr(kAdditionalCount, 2)) + 1, 2));
  return out;
}

Status verify_answer(std::string_view wire, const TsigKey& key, std::string_view request_mac, UnixSeconds now) {
  const TsigRecord record = TRY(split_tsig(wire));
  const TsigRecord expected = TRY(own_record(key, now, {}));
  if (record.name != expected.name || record.algorithm != expected.algorithm) {
    return fail(ErrorCode::untrusted, "the name server's answer is signed with another key than '" + key.name + "'");
  }
  if (record.mac.empty()) {
    TRY(check_error(record, key, now));
    return fail(ErrorCode::untrusted, "the name server's answer has an empty signature");
  }
  const std::string mac = TRY(compute_mac(key, number(request_mac.size(), 2) + std::string(request_mac), record));
  if (!crypto::equal_secrets(mac, record.mac)) {
    return fail(ErrorCode::untrusted, "the signature of the name server's answer is wrong",
                "compare the secret of the key '" + key.name + "' with the name server's configuration");
  }
  TRY(check_error(record, key, now));
  if (std::abs(static_cast<std::int64_t>(to_number(record.time)) - now) > kFudge) {
    return fail(ErrorCode::untrusted, "the name server's answer was not signed in the last five minutes",
                "correct the clocks of both machines");
  }
  return {};
}

}  // namespace lockstep::dns
