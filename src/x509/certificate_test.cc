// Certificates: what is written is read by openssl and certtool, and by the own reader.
#include "x509/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hex.h"
#include "testing/authority.h"
#include "testing/command.h"
#include "x509/pem.h"

namespace lockstep::x509 {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace lockstep::testing;  // NOLINT(google-build-using-namespace): the authority and the commands

std::string names(std::initializer_list<const char*> texts) {
  std::vector<AlternativeName> list;
  for (const char* text : texts) list.push_back(parse_alternative_name(text).value());
  return encode_alternative_names(list).value();
}

// A leaf with everything in it.
CertificateFields full_fields(const crypto::PrivateKey& key, const Authority& issuer) {
  CertificateFields fields = make_fields("CN=api.example.com,O=Example", key, issuer);
  fields.serial = "00a1b2c3";
  fields.extended_key_usage = {ExtendedKeyUsage::server_auth, ExtendedKeyUsage::client_auth};
  fields.alternative_names_der = names({"DNS:api.example.com", "DNS:*.example.com", "IP:192.0.2.1", "IP:2001:db8::1",
                                        "URI:https://e.example/", "email:a@e.example"});
  return fields;
}

class CertificateForEveryKey : public ::testing::TestWithParam<crypto::KeyAlgorithm> {};

std::vector<crypto::KeyAlgorithm> algorithms() {
  std::vector<crypto::KeyAlgorithm> all;
  for (const auto& row : crypto::key_algorithms()) all.push_back(row.algorithm);
  return all;
}
INSTANTIATE_TEST_SUITE_P(Table, CertificateForEveryKey, ::testing::ValuesIn(algorithms()));

TEST_P(CertificateForEveryKey, OpensslAndCerttoolReadIt) {
  const Authority root = make_root("CN=Root CA", GetParam());
  const crypto::PrivateKey key = make_key(GetParam());
  const Certificate leaf = sign(full_fields(key, root), root.key);
  const TemporaryDirectory directory;
  const std::string ca = directory.write("ca.pem", to_pem(root.certificate));
  const std::string file = directory.write("leaf.pem", to_pem(leaf));

  const auto verified =
      run_command({"openssl", "verify", "-x509_strict", "-attime", std::to_string(kTestTime), "-CAfile", ca, file});
  EXPECT_EQ(verified.status, 0) << verified.output;

  const auto shown = run_command({"openssl", "x509", "-in", file, "-noout", "-text", "-nameopt", "RFC2253"});
  EXPECT_EQ(shown.status, 0);
  for (const char* part : {
           "Version: 3 (0x2)",
           "0xa1b2c3",
           "Issuer: CN=Root CA",
           "Not Before: Jan 30 12:00:00 2026 GMT",
           "Not After : Jan 30 12:00:00 2027 GMT",
           "Subject: O=Example,CN=api.example.com",  // RFC 2253 shows the last part first
           "CA:FALSE",
           "TLS Web Server Authentication, TLS Web Client Authentication",
           "DNS:api.example.com, DNS:*.example.com, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1, "
           "URI:https://e.example/, email:a@e.example",
           "X509v3 Key Usage: critical",
       }) {
    EXPECT_THAT(shown.output, HasSubstr(part));
  }
  const bool rsa = GetParam() == crypto::KeyAlgorithm::rsa_2048;
  EXPECT_THAT(shown.output, HasSubstr(rsa ? "Digital Signature, Key Encipherment" : "Digital Signature\n"));
  EXPECT_THAT(shown.output, HasSubstr(rsa ? "sha256WithRSAEncryption" : "ecdsa-with-SHA256"));

  const auto gnutls = run_command({"certtool", "-i", "--infile", file});
  EXPECT_EQ(gnutls.status, 0) << gnutls.output;
  EXPECT_THAT(gnutls.output, HasSubstr("DNSname: api.example.com"));
  EXPECT_THAT(gnutls.output, HasSubstr("Certificate Authority (CA): FALSE"));
  EXPECT_THAT(gnutls.output, HasSubstr(hex_encode(leaf.subject_key_id)));
  EXPECT_THAT(gnutls.output, HasSubstr(hex_encode(root.certificate.subject_key_id)));
}

TEST_P(CertificateForEveryKey, ComesBackFromPemAndDer) {
  const Authority root = make_root("CN=Root CA", GetParam());
  const crypto::PrivateKey key = make_key(GetParam());
  const CertificateFields fields = full_fields(key, root);
  const Certificate made = sign(fields, root.key);
  for (const std::string& input : {made.der, to_pem(made)}) {
    const Certificate read = parse_certificate(input, "x").value();
    EXPECT_EQ(read.der, made.der);
    EXPECT_EQ(read.serial, "a1b2c3");
    EXPECT_EQ(read.subject.to_text(), "CN=api.example.com,O=Example");
    EXPECT_EQ(read.issuer.to_text(), "CN=Root CA");
    EXPECT_EQ(read.not_before, fields.not_before);
    EXPECT_EQ(read.not_after, fields.not_after);
    EXPECT_EQ(read.public_key_info, key.public_key_info());
    EXPECT_FALSE(read.is_ca);
    ASSERT_EQ(read.alternative_names.size(), 6U);
    EXPECT_EQ(to_text(read.alternative_names[3]), "IP:2001:db8::1");
    EXPECT_EQ(read.subject_key_id, fields.subject_key_id);
    EXPECT_EQ(read.authority_key_id, root.certificate.subject_key_id);
  }
  EXPECT_EQ(describe_public_key(made.public_key_info), crypto::info(GetParam()).display_name);
}

TEST_P(CertificateForEveryKey, BelongsToItsKeyAlone) {
  const Authority root = make_root("CN=Root CA", GetParam());
  EXPECT_TRUE(pair_matches(root.certificate, root.key).value());
  EXPECT_TRUE(is_signed_by(root.certificate, root.key.public_key_info()).value());
  for (const crypto::KeyAlgorithm other : algorithms()) {
    const crypto::PrivateKey stranger = make_key(other);
    EXPECT_FALSE(pair_matches(root.certificate, stranger).value());
    EXPECT_FALSE(is_signed_by(root.certificate, stranger.public_key_info()).value());
  }
}

TEST(Certificate, ARootSaysWhatItMayDo) {
  const Authority root = make_root("CN=Root CA,O=Example");
  EXPECT_TRUE(root.certificate.is_ca);
  EXPECT_TRUE(root.certificate.authority_key_id.empty());
  const TemporaryDirectory directory;
  const std::string file = directory.write("ca.pem", to_pem(root.certificate));
  const auto shown = run_command({"openssl", "x509", "-in", file, "-noout", "-text"});
  EXPECT_THAT(shown.output, HasSubstr("X509v3 Basic Constraints: critical\n                CA:TRUE"));
  EXPECT_THAT(shown.output, HasSubstr("Certificate Sign, CRL Sign"));
  EXPECT_THAT(shown.output, Not(HasSubstr("Authority Key Identifier")));
  const auto id =
      run_command({"openssl", "x509", "-in", file, "-noout", "-fingerprint", "-ext", "subjectKeyIdentifier"});
  EXPECT_THAT(id.output, HasSubstr("Subject Key Identifier"));
}

TEST(Certificate, TheKeyIdentifierIsOpenssls) {
  const TemporaryDirectory directory;
  const auto made =
      run_command({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                   "-keyout", directory.path("key"), "-out", directory.path("cert"), "-subj", "/CN=x", "-days", "10"});
  ASSERT_EQ(made.status, 0) << made.output;
  const Certificate certificate = parse_certificate(directory.read("cert"), "cert").value();
  EXPECT_EQ(key_identifier(certificate.public_key_info).value(), certificate.subject_key_id);
  EXPECT_EQ(certificate.authority_key_id, certificate.subject_key_id);
  EXPECT_TRUE(certificate.is_ca);
  EXPECT_EQ(certificate.not_after - certificate.not_before, 10 * kDay);
  EXPECT_TRUE(is_signed_by(certificate, certificate.public_key_info).value());
  EXPECT_TRUE(pair_matches(certificate, crypto::PrivateKey::from_pem(directory.read("key"), "key").value()).value());
  EXPECT_FALSE(key_identifier("junk"));
}

TEST(Certificate, TimesOnBothSidesOf2050) {
  const crypto::PrivateKey key = make_key();
  CertificateFields fields = make_fields("CN=x", key);
  fields.not_before = 2524607999;  // 2049-12-31T23:59:59Z
  fields.not_after = 253402300799;
  const Certificate certificate = sign(fields, key);
  EXPECT_EQ(certificate.not_before, fields.not_before);
  EXPECT_EQ(certificate.not_after, fields.not_after);
  const TemporaryDirectory directory;
  const auto shown =
      run_command({"openssl", "x509", "-in", directory.write("c", to_pem(certificate)), "-noout", "-dates"});
  EXPECT_THAT(shown.output, HasSubstr("notBefore=Dec 31 23:59:59 2049 GMT\nnotAfter=Dec 31 23:59:59 9999 GMT"));
}

TEST(Certificate, Serials) {
  const crypto::PrivateKey key = make_key();
  CertificateFields fields = make_fields("CN=x", key);
  for (const auto& [given, read] :
       {std::pair{"00", "00"},
        {"01", "01"},
        {"0001", "01"},
        {"80", "80"},
        {"ffffffffffffffffffffffffffffffffffffffff", "ffffffffffffffffffffffffffffffffffffffff"}}) {
    fields.serial = given;
    EXPECT_EQ(sign(fields, key).serial, read);
  }
  for (const char* wrong : {"", "1", "xy", "-1"}) {
    fields.serial = wrong;
    EXPECT_EQ(sign_certificate(fields, key).error().code, ErrorCode::invalid_argument) << wrong;
  }
}

TEST(Certificate, OtherKindsOfFilesAreNamed) {
  const Authority root = make_root("CN=Root");
  const auto message = [](const std::string& input) {
    const auto parsed = parse_certificate(input, "in.pem");
    EXPECT_FALSE(parsed);
    if (parsed) return std::string();
    EXPECT_EQ(parsed.error().code, ErrorCode::parse_error);
    return parsed.error().message;
  };
  const std::string pem = to_pem(root.certificate);
  EXPECT_THAT(message(std::string(root.key.to_pem().value().reveal())), HasSubstr("holds a private key"));
  EXPECT_THAT(message(encode_pem(kPemRequest, "x")), HasSubstr("holds a certificate request"));
  EXPECT_THAT(message(pem + pem), HasSubstr("holds 2 of them"));
  EXPECT_THAT(message(encode_pem(kPemCertificate, "x")), HasSubstr("failed to parse certificate from in.pem"));
  EXPECT_THAT(message(root.certificate.der + "x"), HasSubstr("unexpected bytes at the end"));
  EXPECT_THAT(message(""), HasSubstr("empty"));
}

TEST(Certificate, TheAlgorithmThatIsSignedIsTheOneOutside) {
  const Authority root = make_root("CN=Root", crypto::KeyAlgorithm::rsa_2048);
  std::string der = root.certificate.der;
  const std::size_t at = der.rfind(crypto::kRsaWithSha256);
  ASSERT_NE(at, std::string::npos);
  der[at + crypto::kRsaWithSha256.size() - 3] = 0x0c;  // SHA-384
  const auto parsed = parse_certificate(der, "x");
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error().message, HasSubstr("the signature algorithm is not the one that was signed"));
}

TEST(Certificates, AListIsReadInOrder) {
  const Authority root = make_root("CN=Root");
  const Authority middle = make_intermediate("CN=Middle", root);
  const std::string pem = to_pem(middle.certificate) + "\ncomment\n" + to_pem(root.certificate);
  const auto list = parse_certificates(pem, "chain.pem");
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 2U);
  EXPECT_EQ((*list)[0].subject.to_text(), "CN=Middle");
  EXPECT_EQ((*list)[1].subject.to_text(), "CN=Root");
  EXPECT_TRUE(parse_certificates("", "x").value().empty());
  EXPECT_FALSE(parse_certificates(pem.substr(0, pem.size() - 20), "x"));
}

TEST(Certificates, AListHasALimitAndNothingElseInIt) {
  const Authority root = make_root("CN=Root");
  std::string pem;
  for (int i = 0; i < 32; ++i) pem += to_pem(root.certificate);
  EXPECT_EQ(parse_certificates(pem, "x").value().size(), 32U);
  EXPECT_EQ(parse_certificates(pem + to_pem(root.certificate), "x").error().code, ErrorCode::too_large);
  for (int i = 0; i < 40; ++i) pem += to_pem(root.certificate);
  EXPECT_EQ(parse_certificates(pem, "x").error().code, ErrorCode::too_large);
  const auto mixed =
      parse_certificates(to_pem(root.certificate) + std::string(root.key.to_pem().value().reveal()), "chain.pem");
  ASSERT_FALSE(mixed);
  EXPECT_THAT(mixed.error().message, HasSubstr("chain.pem holds a 'PRIVATE KEY'"));
}

TEST(CoversName, NamesAndWildcards) {
  Certificate certificate;
  for (const char* text : {"DNS:api.Example.com", "DNS:*.w.example", "IP:192.0.2.1", "IP:2001:db8::1"}) {
    certificate.alternative_names.push_back(parse_alternative_name(text).value());
  }
  certificate.alternative_names.push_back({AlternativeNameType::uri, "uri.example"});
  for (const char* name : {"api.example.com", "API.EXAMPLE.COM", "a.w.example", "A.W.Example", "192.0.2.1",
                           "2001:db8::1", "2001:DB8:0::1", "*.w.example"}) {
    EXPECT_TRUE(covers_name(certificate, name)) << name;
  }
  for (const char* name :
       {"", "example.com", "xapi.example.com", "a.api.example.com", "w.example", ".w.example", "a.b.w.example",
        "*.x.example", "192.0.2.2", "2001:db8::2", "uri.example", "*.api.example.com"}) {
    EXPECT_FALSE(covers_name(certificate, name)) << name;
  }
}

TEST(DescribePublicKey, KeysThatAreOnlyRead) {
  const TemporaryDirectory directory;
  const auto description = [&](const std::string& algorithm, const std::string& option) {
    const std::string key = directory.path("key");
    const auto made = run_command({"openssl", "genpkey", "-algorithm", algorithm, "-out", key,
                                   option.empty() ? "-outform" : "-pkeyopt", option.empty() ? "PEM" : option});
    EXPECT_EQ(made.status, 0) << made.output;
    run_command({"openssl", "pkey", "-in", key, "-pubout", "-outform", "DER", "-out", directory.path("public")});
    return describe_public_key(directory.read("public"));
  };
  EXPECT_EQ(description("RSA", "rsa_keygen_bits:3072"), "RSA 3072");
  EXPECT_EQ(description("EC", "ec_paramgen_curve:P-384"), "ECDSA P-384");
  EXPECT_EQ(description("EC", "ec_paramgen_curve:P-521"), "ECDSA P-521");
  EXPECT_EQ(description("EC", "ec_paramgen_curve:secp256k1"), "ECDSA secp256k1");
  EXPECT_EQ(description("ED25519", ""), "Ed25519");
  EXPECT_EQ(description("ED448", ""), "ED448");
  EXPECT_EQ(describe_public_key("junk"), "unknown key");
}

}  // namespace
}  // namespace lockstep::x509
