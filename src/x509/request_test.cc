// Requests: made here and judged by openssl, made by openssl and read here.
#include "x509/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/der.h"
#include "testing/authority.h"
#include "testing/command.h"
#include "x509/extensions.h"
#include "x509/pem.h"

namespace lockstep::x509 {
namespace {

using ::testing::HasSubstr;
using namespace lockstep::testing;  // NOLINT(google-build-using-namespace): the keys and the commands

std::vector<AlternativeName> names(std::initializer_list<const char*> texts) {
  std::vector<AlternativeName> list;
  for (const char* text : texts) list.push_back(parse_alternative_name(text).value());
  return list;
}

std::string make_pem(std::string_view subject, const std::vector<AlternativeName>& alternative,
                     const crypto::PrivateKey& key) {
  return encode_pem(kPemRequest, make_request(Name::parse_text(subject).value(), alternative, key).value());
}

// A request that openssl made: its PEM, or DER.
std::string openssl_request(std::initializer_list<std::string> key_options, const std::string& subject,
                            const std::string& extension = {}, const std::string& digest = "-sha256") {
  const TemporaryDirectory directory;
  const std::string key = directory.path("key");
  std::vector<std::string> options(key_options);
  options.resize(3);
  const auto generated =
      options[1].empty()
          ? run_command({"openssl", "genpkey", "-algorithm", options[0], "-out", key})
          : run_command({"openssl", "genpkey", "-algorithm", options[0], "-pkeyopt", options[1], "-out", key});
  EXPECT_EQ(generated.status, 0) << generated.output;
  const std::string out = directory.path("csr");
  const auto made = extension.empty()
                        ? run_command({"openssl", "req", "-new", "-key", key, digest, "-subj", subject, "-out", out})
                        : run_command({"openssl", "req", "-new", "-key", key, digest, "-subj", subject, "-addext",
                                       extension, "-out", out});
  EXPECT_EQ(made.status, 0) << made.output;
  return directory.read("csr");
}

std::string error_of(const std::string& input) {
  const auto request = parse_request(input, "in.csr");
  EXPECT_FALSE(request);
  if (request) return {};
  EXPECT_EQ(request.error().code, ErrorCode::parse_error);
  return request.error().message;
}

class RequestOfEveryKey : public ::testing::TestWithParam<crypto::KeyAlgorithm> {};
INSTANTIATE_TEST_SUITE_P(Requests, RequestOfEveryKey,
                         ::testing::Values(crypto::KeyAlgorithm::ecdsa_p256, crypto::KeyAlgorithm::rsa_2048));

TEST_P(RequestOfEveryKey, OpensslAndCerttoolReadIt) {
  const crypto::PrivateKey key = make_key(GetParam());
  const TemporaryDirectory directory;
  const std::string file = directory.write(
      "csr", make_pem("CN=api.example.com,O=Example", names({"DNS:api.example.com", "IP:192.0.2.1"}), key));
  const auto shown = run_command({"openssl", "req", "-in", file, "-verify", "-noout", "-text"});
  EXPECT_EQ(shown.status, 0);
  EXPECT_THAT(shown.output, HasSubstr("self-signature verify OK"));
  EXPECT_THAT(shown.output, HasSubstr("Subject: CN = api.example.com, O = Example"));
  EXPECT_THAT(shown.output, HasSubstr("DNS:api.example.com, IP Address:192.0.2.1"));
  const auto gnutls = run_command({"certtool", "--crq-info", "--infile", file});
  EXPECT_EQ(gnutls.status, 0) << gnutls.output;
  EXPECT_THAT(gnutls.output, HasSubstr("Self signature: verified"));
}

TEST_P(RequestOfEveryKey, ComesBack) {
  const crypto::PrivateKey key = make_key(GetParam());
  const auto alternative = names({"DNS:a.example", "DNS:b.example"});
  const std::string pem = make_pem("CN=a.example", alternative, key);
  const Request request = parse_request(pem, "x").value();
  EXPECT_TRUE(verify_request(request));
  EXPECT_EQ(request.subject.to_text(), "CN=a.example");
  EXPECT_EQ(request.public_key_info, key.public_key_info());
  EXPECT_EQ(request.alternative_names_der, encode_alternative_names(alternative).value());
  EXPECT_EQ(request.signature_algorithm, key.signature_algorithm());
  const Request bare = parse_request(make_pem("", {}, key), "x").value();
  EXPECT_TRUE(verify_request(bare));
  EXPECT_TRUE(bare.subject.empty());
  EXPECT_TRUE(bare.alternative_names_der.empty());
}

TEST_P(RequestOfEveryKey, AWrongSignatureIsRefused) {
  const crypto::PrivateKey key = make_key(GetParam());
  const crypto::PrivateKey other = make_key(GetParam());
  const Request request = parse_request(make_pem("CN=a", names({"DNS:a"}), key), "x").value();

  Request changed = request;
  changed.signature.back() = static_cast<char>(changed.signature.back() ^ 1);
  EXPECT_EQ(verify_request(changed).error().code, ErrorCode::csr_signature);

  changed = request;
  changed.signed_part.back() = static_cast<char>(changed.signed_part.back() ^ 1);
  EXPECT_EQ(verify_request(changed).error().code, ErrorCode::csr_signature);

  changed = request;
  changed.public_key_info = other.public_key_info();
  EXPECT_EQ(verify_request(changed).error().code, ErrorCode::csr_signature);

  changed = request;
  changed.signature.clear();
  EXPECT_EQ(verify_request(changed).error().code, ErrorCode::csr_signature);

  changed = request;
  changed.signature_algorithm = crypto::kEd25519;
  EXPECT_FALSE(verify_request(changed));
}

TEST(RequestInput, OpensslsRequestsAreRead) {
  for (const bool rsa : {false, true}) {
    const std::string pem =
        rsa ? openssl_request({"RSA", "rsa_keygen_bits:2048"}, "/C=DE/O=Example/CN=a.example",
                              "subjectAltName=DNS:a.example,IP:10.0.0.1,email:a@b.example,URI:urn:x")
            : openssl_request({"EC", "ec_paramgen_curve:P-256"}, "/C=DE/O=Example/CN=a.example",
                              "subjectAltName=DNS:a.example,IP:10.0.0.1,email:a@b.example,URI:urn:x");
    const auto request = parse_request(pem, "x");
    ASSERT_TRUE(request) << request.error().message;
    EXPECT_EQ(request->subject.to_text(), "C=DE,O=Example,CN=a.example");
    EXPECT_TRUE(verify_request(*request));
    const auto alternative = decode_alternative_names(request->alternative_names_der).value();
    ASSERT_EQ(alternative.size(), 4U);
    EXPECT_EQ(to_text(alternative[1]), "IP:10.0.0.1");
  }
}

TEST(RequestInput, OtherDigestsThanOursVerify) {
  for (const char* digest : {"-sha384", "-sha512"}) {
    const std::string pem = openssl_request({"EC", "ec_paramgen_curve:P-256"}, "/CN=a", {}, digest);
    EXPECT_TRUE(verify_request(parse_request(pem, "x").value())) << digest;
  }
}

TEST(RequestInput, RsaPssSignaturesVerify) {
  const TemporaryDirectory directory;
  const crypto::PrivateKey key = make_key(crypto::KeyAlgorithm::rsa_2048);
  const auto made =
      run_command({"openssl", "req", "-new", "-key", directory.write("key", key.to_pem().value().reveal()), "-sha256",
                   "-sigopt", "rsa_padding_mode:pss", "-subj", "/CN=a", "-out", directory.path("csr")});
  ASSERT_EQ(made.status, 0) << made.output;
  Request request = parse_request(directory.read("csr"), "x").value();
  EXPECT_TRUE(verify_request(request));
  request.signature_algorithm = key.signature_algorithm();
  EXPECT_EQ(verify_request(request).error().code, ErrorCode::csr_signature);
}

TEST(RequestInput, KeysThatAreNotCertifiedAreNamedSo) {
  for (const auto& [algorithm, option] :
       {std::pair{"EC", "ec_paramgen_curve:P-384"}, {"RSA", "rsa_keygen_bits:1024"}, {"RSA", "rsa_keygen_bits:3072"}}) {
    const auto request = parse_request(openssl_request({algorithm, option}, "/CN=a"), "x");
    ASSERT_TRUE(request) << option;
    const Status verified = verify_request(*request);
    ASSERT_FALSE(verified) << option;
    EXPECT_EQ(verified.error().code, ErrorCode::unsupported_key) << option;
  }
}

TEST(RequestInput, EitherLabelAndDer) {
  const crypto::PrivateKey key = make_key();
  const std::string der = make_request(Name::parse_text("CN=a").value(), {}, key).value();
  EXPECT_TRUE(parse_request(der, "x"));
  EXPECT_TRUE(parse_request(encode_pem("NEW CERTIFICATE REQUEST", der), "x"));
  EXPECT_TRUE(parse_request("comment\r\n" + encode_pem(kPemRequest, der), "x"));
}

TEST(RequestInput, OtherThingsAreNamed) {
  const Authority root = make_root("CN=Root");
  const std::string pem = make_pem("CN=a", {}, root.key);
  EXPECT_THAT(error_of(to_pem(root.certificate)), HasSubstr("failed to parse CSR from in.csr: it holds a certificate"));
  EXPECT_THAT(error_of(std::string(root.key.to_pem().value().reveal())), HasSubstr("holds a private key"));
  EXPECT_THAT(error_of(pem + pem), HasSubstr("holds 2 of them"));
  EXPECT_THAT(error_of(root.certificate.der), HasSubstr("failed to parse CSR from in.csr: "));
  EXPECT_THAT(error_of(""), HasSubstr("empty"));
  EXPECT_THAT(error_of("hello"), HasSubstr("neither PEM nor DER"));
}

// A request with those attributes, signed properly.
std::string with_attributes(const crypto::PrivateKey& key, std::string_view attributes) {
  const std::string signed_part =
      der::encode(der::kSequence, {std::string_view("\x02\x01\x00", 3), Name::parse_text("CN=a").value().der(),
                                   key.public_key_info(), der::encode(der::context_constructed(0), attributes)});
  const std::string signature = key.sign(signed_part).value();
  return der::encode(der::kSequence, {signed_part, key.signature_algorithm(), der::encode_bit_string(signature)});
}

std::string extension_request(std::string_view extensions) {
  return der::encode(der::kSequence, {der::encode(der::kObjectId, kOidExtensionRequest),
                                      der::encode(der::kSet, der::encode(der::kSequence, extensions))});
}

TEST(RequestAttributes, OnlyTheNamesAreKept) {
  const crypto::PrivateKey key = make_key();
  const std::string wanted = encode_alternative_names(names({"DNS:a"})).value();
  const std::string ca = encode_extension(kOidBasicConstraints, true, std::string("\x30\x03\x01\x01\xff", 5));
  const std::string input =
      with_attributes(key, extension_request(ca + encode_extension(kOidAlternativeNames, false, wanted)));
  const auto request = parse_request(input, "x");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->alternative_names_der, wanted);
}

TEST(RequestAttributes, NamesTwiceAreRefused) {
  const crypto::PrivateKey key = make_key();
  const std::string one =
      encode_extension(kOidAlternativeNames, false, encode_alternative_names(names({"DNS:a"})).value());
  EXPECT_THAT(error_of(with_attributes(key, extension_request(one + one))), HasSubstr("twice"));
  EXPECT_THAT(error_of(with_attributes(key, extension_request(one) + extension_request(one))), HasSubstr("twice"));
}

TEST(RequestAttributes, NamesHaveLimits) {
  const crypto::PrivateKey key = make_key();
  const auto with_names = [&](std::size_t count) {
    const std::vector<AlternativeName> many(count, parse_alternative_name("DNS:a.example").value());
    return make_request(Name::parse_text("CN=a").value(), many, key).value();
  };
  EXPECT_TRUE(parse_request(with_names(1000), "x"));
  EXPECT_THAT(error_of(with_names(1001)), HasSubstr("more than 1000"));
  const std::vector<AlternativeName> long_ones(40, parse_alternative_name("URI:a:" + std::string(2000, 'x')).value());
  EXPECT_THAT(error_of(make_request(Name::parse_text("CN=a").value(), long_ones, key).value()), HasSubstr("too long"));
  const std::string none = encode_extension(kOidAlternativeNames, false, std::string("\x30\x00", 2));
  EXPECT_THAT(error_of(with_attributes(key, extension_request(none))), HasSubstr("empty list"));
}

TEST(RequestAttributes, ALongSubjectIsRefused) {
  const crypto::PrivateKey key = make_key();
  std::string parts;
  while (parts.size() < 17000) {
    const std::string one = Name::parse_text("CN=" + std::string(64, 'x')).value().der();
    parts += one.substr(2);
  }
  const Name subject = Name::parse_der(der::encode(der::kSequence, parts)).value();
  EXPECT_THAT(error_of(make_request(subject, {}, key).value()), HasSubstr("the subject is too long"));
}

}  // namespace
}  // namespace lockstep::x509
