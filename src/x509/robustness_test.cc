// Damaged input: whatever a bit flip or a cut makes of a certificate, a request or a CRL, it is refused or it parses,
// and nothing that was changed under the signature verifies.
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <random>

#include "testing/authority.h"
#include "x509/chain.h"
#include "x509/crl.h"
#include "x509/pem.h"
#include "x509/request.h"

namespace lockstep::x509 {
namespace {

using namespace lockstep::testing;  // NOLINT(google-build-using-namespace): the authority

// LOCKSTEP_TEST_SEED repeats a run.
unsigned seed() {
  static const unsigned value = [] {
    const char* given = std::getenv("LOCKSTEP_TEST_SEED");
    return given == nullptr ? std::random_device{}() : static_cast<unsigned>(std::strtoul(given, nullptr, 10));
  }();
  return value;
}

struct Sample {
  std::string der;
  // True when the bytes parse and their signature verifies.
  std::function<bool(std::string_view)> accepts;
};

class Damaged : public ::testing::TestWithParam<const char*> {
 protected:
  static bool rsa() { return std::string_view(GetParam()).starts_with("rsa_"); }
  static std::string_view kind() {
    const std::string_view name = GetParam();
    return rsa() ? name.substr(4) : name;
  }
  static const Authority& root() {
    static const Authority ecdsa_root = make_root("CN=Root,O=Example");
    static const Authority rsa_root = make_root("CN=Root,O=Example", crypto::KeyAlgorithm::rsa_2048);
    return rsa() ? rsa_root : ecdsa_root;
  }

  static std::string alternative_names() {
    std::vector<AlternativeName> names;
    for (const char* text : {"DNS:a.example", "IP:2001:db8::1", "URI:urn:x", "email:a@b"}) {
      names.push_back(parse_alternative_name(text).value());
    }
    return encode_alternative_names(names).value();
  }

  static Sample certificate() {
    CertificateFields fields = make_fields("CN=a.example+OU=x,O=Example,C=DE", root().key, root());
    fields.alternative_names_der = alternative_names();
    fields.extended_key_usage = {ExtendedKeyUsage::server_auth};
    return {sign(fields, root().key).der, [](std::string_view bytes) {
              const auto parsed = parse_certificate(bytes, "damaged");
              if (!parsed) return false;
              // OpenSSL sees what the own reader let through.
              static_cast<void>(verify_chain(*parsed, {}, {root().certificate}, kTestTime));
              static_cast<void>(covers_name(*parsed, "a.example"));
              static_cast<void>(describe_public_key(parsed->public_key_info));
              static_cast<void>(key_identifier(parsed->public_key_info));
              if (!rsa()) static_cast<void>(pair_matches(*parsed, root().key));  // RSA signs too slowly
              const auto verified = is_signed_by(*parsed, root().key.public_key_info());
              return verified && *verified;
            }};
  }

  static Sample request() {
    const auto names = decode_alternative_names(alternative_names()).value();
    return {make_request(Name::parse_text("CN=a.example,O=Example").value(), names, root().key).value(),
            [](std::string_view bytes) {
              const auto parsed = parse_request(bytes, "damaged");
              return parsed && verify_request(*parsed);
            }};
  }

  static Sample crl() {
    CrlBuilder builder({.issuer_der = root().certificate.subject.der(),
                        .this_update = kTestTime,
                        .next_update = kTestTime + kDay,
                        .number = "10",
                        .authority_key_id = root().certificate.subject_key_id});
    for (const char* serial : {"01", "80", "0102030405"}) {
      EXPECT_TRUE(builder.add(serial, kTestTime, RevocationReason::superseded));
    }
    std::string pem;
    EXPECT_TRUE(builder.finish(root().key, [&](std::string_view piece) {
      pem += piece;
      return Status();
    }));
    return {
        parse_pem(pem).value().front().der, [](std::string_view bytes) {
          const auto parsed = parse_crl(bytes, "damaged");
          if (!parsed) return false;
          static_cast<void>(find_revoked(*parsed, "0102030405"));
          static_cast<void>(for_each_revoked(*parsed, [](const std::string&, const CrlEntry&) { return Status(); }));
          const auto verified = is_signed_by(*parsed, root().key.public_key_info());
          return verified && *verified;
        }};
  }

  static Sample sample() {
    if (kind() == "certificate") return certificate();
    if (kind() == "request") return request();
    return crl();
  }
};

INSTANTIATE_TEST_SUITE_P(Kinds, Damaged,
                         ::testing::Values("certificate", "request", "crl", "rsa_certificate", "rsa_request",
                                           "rsa_crl"),
                         [](const auto& parameter) { return std::string(parameter.param); });

TEST_P(Damaged, TheSampleItselfIsAccepted) {
  const Sample whole = sample();
  EXPECT_TRUE(whole.accepts(whole.der));
}

TEST_P(Damaged, EveryTruncationIsRefused) {
  const Sample whole = sample();
  for (std::size_t length = 0; length < whole.der.size(); ++length) {
    EXPECT_FALSE(whole.accepts(std::string_view(whole.der).substr(0, length))) << length;
  }
}

TEST_P(Damaged, BytesAfterTheEndAreRefused) {
  const Sample whole = sample();
  for (const char* more : {"x", "0", "\n", "0000000000000000"}) EXPECT_FALSE(whole.accepts(whole.der + more));
  EXPECT_FALSE(whole.accepts(whole.der + std::string(1, '\0')));
  EXPECT_FALSE(whole.accepts(whole.der + whole.der));
}

TEST_P(Damaged, NoSingleBitFlipIsAccepted) {
  const Sample whole = sample();
  for (std::size_t bit = 0; bit < whole.der.size() * 8; ++bit) {
    std::string flipped = whole.der;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(whole.accepts(flipped)) << "bit " << bit;
  }
}

TEST_P(Damaged, ManyRandomChangesAtOnceAreRefused) {
  SCOPED_TRACE("LOCKSTEP_TEST_SEED=" + std::to_string(seed()));
  std::mt19937 random(seed());
  const Sample whole = sample();
  const std::string_view interesting("\x00\x01\x02\x03\x30\x31\x7f\x80\x81\x82\x84\x88\xa0\xa3\xfe\xff", 16);
  for (int round = 0; round < 3000; ++round) {
    std::string changed = whole.der;
    for (std::size_t left = 1 + random() % 4; left > 0; --left) {
      const std::size_t at = random() % changed.size();
      switch (random() % 4) {
        case 0: changed[at] = interesting[random() % interesting.size()]; break;
        case 1: changed[at] = static_cast<char>(random() & 0xffU); break;
        case 2: changed.erase(at, 1 + random() % 8); break;
        default: changed.insert(at, changed.substr(random() % changed.size(), random() % 40)); break;
      }
      if (changed.empty()) changed = "0";
    }
    if (changed == whole.der) continue;
    EXPECT_FALSE(whole.accepts(changed)) << "round " << round;
  }
}

TEST_P(Damaged, DamagedPemIsRefusedOrIsTheSame) {
  SCOPED_TRACE("LOCKSTEP_TEST_SEED=" + std::to_string(seed()));
  std::mt19937 random(seed());
  const Sample whole = sample();
  const std::string pem = encode_pem(kind() == "certificate" ? kPemCertificate
                                     : kind() == "request"   ? kPemRequest
                                                             : kPemCrl,
                                     whole.der);
  ASSERT_TRUE(whole.accepts(pem));
  for (int round = 0; round < 1500; ++round) {
    std::string changed = pem;
    const std::size_t bit = random() % (pem.size() * 8);
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    if (!whole.accepts(changed)) continue;
    // A changed line end, or bits of the last digit that stand for nothing: the object is the same one.
    const auto blocks = parse_pem(changed);
    ASSERT_TRUE(blocks && blocks->size() == 1) << "bit " << bit;
    EXPECT_EQ(blocks->front().der, whole.der) << "bit " << bit;
  }
}

TEST_P(Damaged, PlainNoiseIsRefused) {
  SCOPED_TRACE("LOCKSTEP_TEST_SEED=" + std::to_string(seed()));
  std::mt19937 random(seed());
  const Sample whole = sample();
  for (int round = 0; round < 2000; ++round) {
    std::string noise(random() % 200, '\0');
    for (char& c : noise) c = static_cast<char>(random() & 0xffU);
    EXPECT_FALSE(whole.accepts(noise));
    EXPECT_FALSE(whole.accepts("\x30" + noise));
  }
}

}  // namespace
}  // namespace lockstep::x509
