// Private keys: made, written, read back by openssl, and refused with a reason.
#include "crypto/private_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "base/hex.h"
#include "crypto/der.h"
#include "crypto/digest.h"
#include "testing/command.h"

namespace lockstep::crypto {
namespace {

using ::testing::HasSubstr;
using testing::run_command;
using ::testing::StartsWith;
using testing::TemporaryDirectory;

// One key of each algorithm for all tests: making RSA keys takes its time.
const PrivateKey& key_of(KeyAlgorithm algorithm) {
  static std::map<KeyAlgorithm, PrivateKey> keys;
  const auto known = keys.find(algorithm);
  if (known != keys.end()) return known->second;
  auto made = PrivateKey::generate(algorithm);
  EXPECT_TRUE(made);
  return keys.emplace(algorithm, std::move(*made)).first->second;
}

// A key that openssl made.
std::string openssl_key(const std::string& algorithm, const std::string& option, bool traditional = false) {
  const TemporaryDirectory directory;
  const auto made = run_command({"openssl", "genpkey", "-algorithm", algorithm, "-out", directory.path("key"),
                                 option.empty() ? "-outform" : "-pkeyopt", option.empty() ? "PEM" : option});
  EXPECT_EQ(made.status, 0) << made.output;
  if (!traditional) return directory.read("key");
  const auto written =
      run_command({"openssl", "pkey", "-in", directory.path("key"), "-traditional", "-out", directory.path("old")});
  EXPECT_EQ(written.status, 0) << written.output;
  return directory.read("old");
}

std::string pem_of(const PrivateKey& key) { return std::string(key.to_pem().value().reveal()); }

class EveryAlgorithm : public ::testing::TestWithParam<KeyAlgorithm> {};

std::vector<KeyAlgorithm> table() {
  std::vector<KeyAlgorithm> all;
  for (const KeyAlgorithmInfo& row : key_algorithms()) all.push_back(row.algorithm);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Table, EveryAlgorithm, ::testing::ValuesIn(table()), [](const auto& parameter) {
  std::string name;
  for (const char c : crypto::info(parameter.param).option_name) name += c == '-' ? '_' : c;
  return name;
});

TEST_P(EveryAlgorithm, OpensslReadsIt) {
  const TemporaryDirectory directory;
  const PrivateKey& key = key_of(GetParam());
  EXPECT_EQ(key.algorithm(), GetParam());
  const std::string file = directory.write("key.pem", pem_of(key));
  EXPECT_THAT(pem_of(key), StartsWith("-----BEGIN PRIVATE KEY-----\n"));
  const auto shown = run_command({"openssl", "pkey", "-in", file, "-check", "-noout", "-text"});
  EXPECT_EQ(shown.status, 0) << shown.output;
  EXPECT_THAT(shown.output, HasSubstr("Key is valid"));
  const char* kind = GetParam() == KeyAlgorithm::rsa_2048 ? "(2048 bit, 2 primes)" : "NIST CURVE: P-256";
  EXPECT_THAT(shown.output, HasSubstr(kind));
  const auto half =
      run_command({"openssl", "pkey", "-in", file, "-pubout", "-outform", "DER", "-out", directory.path("public.der")});
  EXPECT_EQ(half.status, 0) << half.output;
  EXPECT_EQ(directory.read("public.der"), key.public_key_info());
}

TEST_P(EveryAlgorithm, ComesBackFromItsPem) {
  const PrivateKey& key = key_of(GetParam());
  const auto again = PrivateKey::from_pem(pem_of(key), "key.pem");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->algorithm(), GetParam());
  EXPECT_EQ(again->public_key_info(), key.public_key_info());
  EXPECT_EQ(pem_of(*again), pem_of(key));
  const std::string signature = again->sign("text").value();
  EXPECT_TRUE(verify_signature(key.public_key_info(), "text", signature).value());
}

TEST_P(EveryAlgorithm, TwoKeysAreNotTheSame) {
  const auto other = PrivateKey::generate(GetParam());
  ASSERT_TRUE(other);
  EXPECT_NE(other->public_key_info(), key_of(GetParam()).public_key_info());
}

TEST_P(EveryAlgorithm, OpensslVerifiesItsSignatures) {
  const TemporaryDirectory directory;
  const PrivateKey& key = key_of(GetParam());
  const std::string text = directory.write("text", "what is signed\n");
  const std::string file = directory.write("key.pem", pem_of(key));
  ASSERT_EQ(run_command({"openssl", "pkey", "-in", file, "-pubout", "-out", directory.path("public.pem")}).status, 0);
  const auto verify = [&](const std::string& signature) {
    return run_command({"openssl", "dgst", "-sha256", "-verify", directory.path("public.pem"), "-signature",
                        directory.write("signature", signature), text});
  };
  std::string signature = key.sign("what is signed\n").value();
  EXPECT_THAT(verify(signature).output, HasSubstr("Verified OK"));
  const std::string from_digest = key.sign_digest(hex_decode(sha256_hex("what is signed\n")).value()).value();
  EXPECT_THAT(verify(from_digest).output, HasSubstr("Verified OK"));
  signature.back() = static_cast<char>(signature.back() ^ 1);
  EXPECT_NE(verify(signature).status, 0);
}

TEST_P(EveryAlgorithm, OpensslSignaturesVerifyHere) {
  const TemporaryDirectory directory;
  const PrivateKey& key = key_of(GetParam());
  const auto made = run_command({"openssl", "dgst", "-sha256", "-sign", directory.write("key.pem", pem_of(key)), "-out",
                                 directory.path("signature"), directory.write("text", "what is signed")});
  ASSERT_EQ(made.status, 0) << made.output;
  const std::string signature = directory.read("signature");
  EXPECT_TRUE(verify_signature(key.public_key_info(), "what is signed", signature).value());
  EXPECT_FALSE(verify_signature(key.public_key_info(), "what is signeD", signature).value());
}

TEST_P(EveryAlgorithm, NoBitFlipOfASignatureVerifies) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const PrivateKey& key = key_of(GetParam());
  const std::string signature = key.sign("text").value();
  for (int round = 0; round < 150; ++round) {
    std::string flipped = signature;
    const std::size_t bit = random() % (signature.size() * 8);
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(verify_signature(key.public_key_info(), "text", flipped).value()) << "bit " << bit;
  }
  for (std::size_t length = 0; length < signature.size(); ++length) {
    EXPECT_FALSE(verify_signature(key.public_key_info(), "text", signature.substr(0, length)).value()) << length;
  }
  EXPECT_FALSE(verify_signature(key.public_key_info(), "text", signature + '\0').value());
  EXPECT_FALSE(verify_signature(key.public_key_info(), "text", std::string(5000, '\x30')).value());
}

TEST_P(EveryAlgorithm, TheAlgorithmThatASignatureNamesMustGoWithTheKey) {
  const PrivateKey& key = key_of(GetParam());
  const std::string text = der::encode(der::kSequence, "");
  const std::string signature = key.sign(text).value();
  const auto verify = [&](std::string_view algorithm) {
    return verify_signature(key.public_key_info(), text, signature, algorithm);
  };
  EXPECT_TRUE(verify(key.signature_algorithm()).value());
  for (const std::string_view other : {kEcdsaWithSha256, kRsaWithSha256, kEd25519}) {
    if (other == key.signature_algorithm()) continue;
    EXPECT_FALSE(verify(other).value());
  }
  EXPECT_FALSE(verify("").value());
  EXPECT_FALSE(verify("junk").value());
}

TEST_P(EveryAlgorithm, AnotherKeyDoesNotVerify) {
  for (const KeyAlgorithm other : table()) {
    const auto stranger = PrivateKey::generate(other);
    ASSERT_TRUE(stranger);
    const std::string signature = key_of(GetParam()).sign("text").value();
    EXPECT_FALSE(verify_signature(stranger->public_key_info(), "text", signature).value());
  }
}

TEST_P(EveryAlgorithm, DamagedPublicKeysAreRefusedOrDoNotVerify) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const PrivateKey& key = key_of(GetParam());
  const std::string& whole = key.public_key_info();
  const std::string signature = key.sign("text").value();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(classify_public_key_info(std::string_view(whole).substr(0, length))) << length;
    EXPECT_FALSE(verify_signature(whole.substr(0, length), "text", signature)) << length;
  }
  EXPECT_FALSE(classify_public_key_info(whole + '\0'));
  // The key itself: the point's coordinates, or the middle of the modulus. OpenSSL is lenient about what stands around.
  const bool is_point = GetParam() == KeyAlgorithm::ecdsa_p256;
  const std::size_t begin = is_point ? whole.size() - 64 : 40;
  const std::size_t end = is_point ? whole.size() : 280;
  for (int round = 0; round < 150; ++round) {
    std::string flipped = whole;
    const std::size_t bit = begin * 8 + random() % ((end - begin) * 8);
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const auto verified = verify_signature(flipped, "text", signature);
    EXPECT_FALSE(verified && *verified) << "bit " << bit;
  }
}

TEST(ClassifyPublicKey, NoBitFlipOfAPointOrOfWhatStandsAroundItIsAccepted) {
  const std::string& whole = key_of(KeyAlgorithm::ecdsa_p256).public_key_info();
  ASSERT_EQ(classify_public_key_info(whole).value(), KeyAlgorithm::ecdsa_p256);
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const auto classified = classify_public_key_info(flipped);
    ASSERT_FALSE(classified) << "bit " << bit;
    EXPECT_EQ(classified.error().code, ErrorCode::unsupported_key);
  }
}

TEST_P(EveryAlgorithm, NameOnTheCommandLine) {
  EXPECT_EQ(parse_key_algorithm(info(GetParam()).option_name).value(), GetParam());
}

TEST(KeyAlgorithms, AnUnknownNameIsToldTheKnownOnes) {
  for (const char* wrong : {"", "rsa", "RSA-2048", "ecdsa-p256 ", "other"}) {
    const auto parsed = parse_key_algorithm(wrong);
    ASSERT_FALSE(parsed) << wrong;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(parsed.error().hint, "use one of: ecdsa-p256, rsa-2048");
  }
}

struct Foreign {
  const char* algorithm;
  const char* option;
};

TEST(PrivateKeyInput, KeysOfOtherToolsAreRead) {
  for (const Foreign& foreign : {Foreign{"RSA", "rsa_keygen_bits:3072"}, Foreign{"EC", "ec_paramgen_curve:P-384"},
                                 Foreign{"EC", "ec_paramgen_curve:P-521"}, Foreign{"ED25519", ""}}) {
    SCOPED_TRACE(std::string(foreign.algorithm) + foreign.option);
    const auto key = PrivateKey::from_pem(openssl_key(foreign.algorithm, foreign.option), "key.pem");
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_EQ(key->algorithm(), KeyAlgorithm::other);
    const std::string text = der::encode(der::kSequence, "");
    const std::string signature = key->sign(text).value();
    EXPECT_TRUE(verify_signature(key->public_key_info(), text, signature).value());
    EXPECT_TRUE(verify_signature(key->public_key_info(), text, signature, key->signature_algorithm()).value());
    EXPECT_FALSE(verify_signature(key->public_key_info(), text + "x", signature).value());
    EXPECT_EQ(key->sign_digest(std::string(32, 'd')).error().code, ErrorCode::unsupported_key);
    EXPECT_EQ(classify_public_key_info(key->public_key_info()).error().code, ErrorCode::unsupported_key);
  }
}

TEST(PrivateKeyInput, TraditionalFormsAreRead) {
  for (const Foreign& foreign : {Foreign{"RSA", "rsa_keygen_bits:2048"}, Foreign{"EC", "ec_paramgen_curve:P-256"}}) {
    const std::string pem = openssl_key(foreign.algorithm, foreign.option, true);
    EXPECT_THAT(pem, HasSubstr(std::string(foreign.algorithm) + " PRIVATE KEY"));
    const auto key = PrivateKey::from_pem("a comment before it\n" + pem, "key.pem");
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_NE(key->algorithm(), KeyAlgorithm::other);
    EXPECT_THAT(pem_of(*key), StartsWith("-----BEGIN PRIVATE KEY-----"));
  }
}

TEST(PrivateKeyInput, ACurveWithItsParametersWrittenOutIsRead) {
  const TemporaryDirectory directory;
  const std::string named = directory.write("named", openssl_key("EC", "ec_paramgen_curve:P-256"));
  const auto made =
      run_command({"openssl", "ec", "-in", named, "-param_enc", "explicit", "-out", directory.path("explicit")});
  ASSERT_EQ(made.status, 0) << made.output;
  const auto key = PrivateKey::from_pem(directory.read("explicit"), "key.pem");
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(key->algorithm(), KeyAlgorithm::other);  // no CA certifies such a key
}

TEST(PrivateKeyInput, UnsupportedKindsAreNamedSo) {
  for (const Foreign& foreign : {Foreign{"RSA", "rsa_keygen_bits:1024"}, Foreign{"EC", "ec_paramgen_curve:secp224r1"},
                                 Foreign{"EC", "ec_paramgen_curve:secp256k1"}, Foreign{"ED448", ""},
                                 Foreign{"X25519", ""}, Foreign{"RSA-PSS", "rsa_keygen_bits:2048"}}) {
    const auto key = PrivateKey::from_pem(openssl_key(foreign.algorithm, foreign.option), "key.pem");
    ASSERT_FALSE(key) << foreign.algorithm << " " << foreign.option;
    EXPECT_EQ(key.error().code, ErrorCode::unsupported_key);
    EXPECT_THAT(key.error().message, HasSubstr("key.pem"));
    EXPECT_FALSE(key.error().hint.empty());
  }
}

TEST(PrivateKeyInput, AnEncryptedKeyIsRefusedWithoutAPrompt) {
  const TemporaryDirectory directory;
  const std::string file = directory.write("key.pem", pem_of(key_of(KeyAlgorithm::ecdsa_p256)));
  ASSERT_EQ(run_command(
                {"openssl", "pkcs8", "-topk8", "-in", file, "-passout", "pass:secret", "-out", directory.path("pkcs8")})
                .status,
            0);
  ASSERT_EQ(run_command({"openssl", "ec", "-in", file, "-aes128", "-passout", "pass:secret", "-out",
                         directory.path("traditional")})
                .status,
            0);
  for (const char* name : {"pkcs8", "traditional"}) {
    const auto key = PrivateKey::from_pem(directory.read(name), "key.pem");
    ASSERT_FALSE(key) << name;
    EXPECT_EQ(key.error().code, ErrorCode::parse_error);
    EXPECT_EQ(key.error().message, "failed to parse private key from key.pem: it is encrypted");
    EXPECT_THAT(key.error().hint, HasSubstr("openssl pkey"));
  }
}

TEST(PrivateKeyInput, WhatIsNoKeyIsRefused) {
  const std::string pem = pem_of(key_of(KeyAlgorithm::ecdsa_p256));
  const auto message = [](const std::string& text) {
    const auto key = PrivateKey::from_pem(text, "key.pem");
    EXPECT_FALSE(key);
    if (key) return std::string();
    EXPECT_EQ(key.error().code, ErrorCode::parse_error);
    return key.error().message;
  };
  EXPECT_THAT(message(""), HasSubstr("holds no private key"));
  EXPECT_THAT(message("junk"), HasSubstr("holds no private key"));
  EXPECT_THAT(message("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"),
              HasSubstr("holds no private key"));
  EXPECT_THAT(message("-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n"),
              HasSubstr("holds no private key"));
  EXPECT_THAT(message(pem + pem), HasSubstr("2 private keys"));
  EXPECT_THAT(message("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"),
              HasSubstr("not a private key that can be read"));
  EXPECT_THAT(message("-----BEGIN PRIVATE KEY-----\n"), HasSubstr("not a private key"));
}

TEST(PrivateKeyInput, TruncatedKeysAreRefusedAndNeverQuoted) {
  const std::string pem = pem_of(key_of(KeyAlgorithm::ecdsa_p256));
  for (std::size_t length = 0; length + 1 < pem.size(); ++length) {
    const auto key = PrivateKey::from_pem(pem.substr(0, length), "key.pem");
    ASSERT_FALSE(key) << length;
    EXPECT_EQ(key.error().message.find(pem.substr(40, 20)), std::string::npos);
  }
}

TEST(PrivateKeyInput, WindowsLineEndsAreRead) {
  std::string pem;
  for (const char c : pem_of(key_of(KeyAlgorithm::ecdsa_p256))) pem += c == '\n' ? std::string("\r\n") : std::string{c};
  EXPECT_TRUE(PrivateKey::from_pem(pem, "key.pem"));
}

}  // namespace
}  // namespace lockstep::crypto
