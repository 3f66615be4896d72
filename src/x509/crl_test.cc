// CRLs: what is built is read and verified by openssl, certtool and the own reader.
#include "x509/crl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "base/hex.h"
#include "testing/authority.h"
#include "testing/command.h"
#include "x509/pem.h"

namespace lockstep::x509 {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using namespace lockstep::testing;  // NOLINT(google-build-using-namespace): the authority and the commands

struct Revoked {
  std::string serial;
  UnixSeconds time;
  RevocationReason reason;
};

CrlHeader header_of(const Authority& issuer) {
  return {.issuer_der = issuer.certificate.subject.der(),
          .this_update = kTestTime,
          .next_update = kTestTime + 7 * kDay,
          .number = "0102",
          .authority_key_id = issuer.certificate.subject_key_id};
}

std::string build(const Authority& issuer, const std::vector<Revoked>& entries) {
  CrlBuilder builder(header_of(issuer));
  for (const Revoked& entry : entries) EXPECT_TRUE(builder.add(entry.serial, entry.time, entry.reason));
  EXPECT_EQ(builder.count(), entries.size());
  std::string pem;
  EXPECT_TRUE(builder.finish(issuer.key, [&](std::string_view piece) {
    pem += piece;
    return Status();
  }));
  return pem;
}

const std::vector<Revoked> kSome = {
    {"01", kTestTime - 10, RevocationReason::key_compromise},
    {"80", kTestTime - 9, RevocationReason::unspecified},
    {"0a0b0c", kTestTime - 9, RevocationReason::superseded},
    {"00ff", kTestTime - 8, RevocationReason::affiliation_changed},
    {"ffffffffffffffffffffffffffffffffffffffff", 2524608000, RevocationReason::cessation_of_operation},
};

class CrlOfEveryKey : public ::testing::TestWithParam<crypto::KeyAlgorithm> {};
INSTANTIATE_TEST_SUITE_P(Table, CrlOfEveryKey,
                         ::testing::Values(crypto::KeyAlgorithm::ecdsa_p256, crypto::KeyAlgorithm::rsa_2048));

TEST_P(CrlOfEveryKey, OpensslAndCerttoolReadIt) {
  const Authority root = make_root("CN=Root CA,O=Example", GetParam());
  const TemporaryDirectory directory;
  const std::string ca = directory.write("ca.pem", to_pem(root.certificate));
  const std::string file = directory.write("list.crl", build(root, kSome));
  const auto shown = run_command({"openssl", "crl", "-in", file, "-CAfile", ca, "-noout", "-text"});
  EXPECT_EQ(shown.status, 0);
  EXPECT_THAT(shown.output, StartsWith("verify OK"));
  for (const char* part :
       {"Version 2 (0x1)", "Issuer: CN = Root CA, O = Example", "Last Update: Mar  1 12:00:00 2026 GMT",
        "Next Update: Mar  8 12:00:00 2026 GMT", "X509v3 CRL Number: \n                258", "Serial Number: 0A0B0C",
        "Serial Number: FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", "Key Compromise", "Superseded",
        "Affiliation Changed", "Cessation Of Operation", "Revocation Date: Jan  1 00:00:00 2050 GMT"}) {
    EXPECT_THAT(shown.output, HasSubstr(part));
  }
  EXPECT_THAT(shown.output, Not(HasSubstr("Unspecified")));  // RFC 5280 5.3.1: left out
  const auto gnutls = run_command({"certtool", "--crl-info", "--infile", file});
  EXPECT_EQ(gnutls.status, 0) << gnutls.output;
  EXPECT_THAT(gnutls.output, HasSubstr("Revoked certificates (5)"));
}

TEST_P(CrlOfEveryKey, ComesBack) {
  const Authority root = make_root("CN=Root CA", GetParam());
  const Crl crl = parse_crl(build(root, kSome), "x").value();
  EXPECT_EQ(crl.issuer.to_text(), "CN=Root CA");
  EXPECT_EQ(crl.this_update, kTestTime);
  EXPECT_EQ(crl.next_update, kTestTime + 7 * kDay);
  EXPECT_EQ(crl.number, "0102");
  EXPECT_EQ(crl.authority_key_id, root.certificate.subject_key_id);
  EXPECT_TRUE(is_signed_by(crl, root.key.public_key_info()).value());
  EXPECT_FALSE(is_signed_by(crl, make_key(GetParam()).public_key_info()).value());
  for (const Revoked& entry : kSome) {
    const auto found = find_revoked(crl, entry.serial).value();
    ASSERT_TRUE(found) << entry.serial;
    EXPECT_EQ(found->revoked_at, entry.time);
    EXPECT_EQ(found->reason, entry.reason);
  }
  EXPECT_TRUE(find_revoked(crl, "0001").value()) << "the same number, written longer";
  for (const char* other : {"02", "00", "7f", "0a0b", "0a0b0d", "a0b0c0"}) {
    EXPECT_FALSE(find_revoked(crl, other).value()) << other;
  }
  EXPECT_EQ(find_revoked(crl, "xyz").error().code, ErrorCode::invalid_argument);
}

TEST(Crl, OpensslRefusesARevokedCertificateByIt) {
  const Authority root = make_root("CN=Root");
  const crypto::PrivateKey key = make_key();
  CertificateFields fields = make_fields("CN=leaf", key, root);
  fields.serial = "0a";
  const TemporaryDirectory directory;
  const std::string ca = directory.write("ca", to_pem(root.certificate));
  const std::string leaf = directory.write("leaf", to_pem(sign(fields, root.key)));
  const auto verify = [&](const std::vector<Revoked>& revoked) {
    return run_command({"openssl", "verify", "-crl_check", "-attime", std::to_string(kTestTime + 60), "-CAfile", ca,
                        "-CRLfile", directory.write("crl", build(root, revoked)), leaf});
  };
  const auto good = verify({{"0b", kTestTime, RevocationReason::unspecified}});
  EXPECT_EQ(good.status, 0) << good.output;
  const auto revoked = verify({{"0a", kTestTime, RevocationReason::key_compromise}});
  EXPECT_THAT(revoked.output, HasSubstr("certificate revoked"));
  EXPECT_EQ(verify({}).status, 0);
}

TEST(Crl, AnEmptyListHasNoList) {
  const Authority root = make_root("CN=Root");
  const Crl crl = parse_crl(build(root, {}), "x").value();
  EXPECT_TRUE(crl.revoked_entries.empty());
  EXPECT_FALSE(find_revoked(crl, "01").value());
  EXPECT_TRUE(is_signed_by(crl, root.key.public_key_info()).value());
  const TemporaryDirectory directory;
  const auto shown = run_command({"openssl", "crl", "-in", directory.write("crl", build(root, {})), "-noout", "-text"});
  EXPECT_THAT(shown.output, HasSubstr("No Revoked Certificates."));
}

TEST(Crl, ListsOfManyChunksComeBack) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const Authority root = make_root("CN=Root");
  std::vector<Revoked> entries;
  for (int i = 0; i < 60'000; ++i) {  // more than two megabytes
    std::string serial(1 + random() % 20, '\0');
    for (char& c : serial) c = static_cast<char>(random() & 0xffU);
    if (serial[0] == 0) serial[0] = 1;
    const RevocationReason reasons[] = {RevocationReason::unspecified, RevocationReason::key_compromise,
                                        RevocationReason::superseded};
    entries.push_back(
        {hex_encode(serial), kTestTime - static_cast<UnixSeconds>(random() % 1000), reasons[random() % 3]});
  }
  const std::string pem = build(root, entries);
  EXPECT_EQ(pem, encode_pem(kPemCrl, parse_pem(pem).value().front().der)) << "the pieces make other lines";
  const Crl crl = parse_crl(pem, "x").value();
  EXPECT_TRUE(is_signed_by(crl, root.key.public_key_info()).value());
  std::size_t at = 0;
  EXPECT_TRUE(for_each_revoked(crl, [&](const std::string& serial, const CrlEntry& entry) -> Status {
    if (at == entries.size()) return fail(ErrorCode::internal, "too many");
    EXPECT_EQ(serial, entries[at].serial);
    EXPECT_EQ(entry.revoked_at, entries[at].time);
    EXPECT_EQ(entry.reason, entries[at].reason);
    ++at;
    return {};
  }));
  EXPECT_EQ(at, entries.size());
}

TEST(Crl, PemOfEveryLengthHasWholeLines) {
  const Authority root = make_root("CN=Root");
  for (std::size_t octets = 1; octets <= 20; ++octets) {
    std::vector<Revoked> entries(octets % 5 + 1,
                                 {std::string(octets * 2, '1'), kTestTime, RevocationReason::unspecified});
    const std::string pem = build(root, entries);
    EXPECT_EQ(pem, encode_pem(kPemCrl, parse_pem(pem).value().front().der));
  }
}

TEST(Crl, WrongSerialsAreRefusedAndNotCounted) {
  const Authority root = make_root("CN=Root");
  CrlBuilder builder(header_of(root));
  for (const std::string wrong : {"", "1", "zz", "0G", "AB", " 1", "-1"}) {
    const Status added = builder.add(wrong, kTestTime, RevocationReason::unspecified);
    ASSERT_FALSE(added) << wrong;
    EXPECT_EQ(added.error().code, ErrorCode::invalid_argument);
  }
  EXPECT_FALSE(builder.add(std::string(42, '1'), kTestTime, RevocationReason::unspecified));
  EXPECT_EQ(builder.count(), 0U);
}

TEST(Crl, WhatTheSinkSaysEndsTheWriting) {
  const Authority root = make_root("CN=Root");
  CrlBuilder builder(header_of(root));
  int calls = 0;
  const Status finished = builder.finish(root.key, [&](std::string_view) -> Status {
    ++calls;
    return fail(ErrorCode::no_space, "full");
  });
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().code, ErrorCode::no_space);
  EXPECT_EQ(calls, 1);
}

TEST(Crl, ANumberThatIsNoneIsRefused) {
  const Authority root = make_root("CN=Root");
  CrlHeader header = header_of(root);
  header.number = "x";
  CrlBuilder builder(header);
  EXPECT_EQ(builder.finish(root.key, [](std::string_view) { return Status(); }).error().code,
            ErrorCode::invalid_argument);
}

TEST(Crl, AChangedListDoesNotVerify) {
  const Authority root = make_root("CN=Root");
  Crl crl = parse_crl(build(root, kSome), "x").value();
  crl.signed_part[crl.signed_part.size() / 2] = static_cast<char>(crl.signed_part[crl.signed_part.size() / 2] ^ 1);
  EXPECT_FALSE(is_signed_by(crl, root.key.public_key_info()).value());
}

TEST(Crl, OpensslsListIsRead) {
  const Authority root = make_root("CN=Root");
  const TemporaryDirectory directory;
  const std::string configuration = directory.write(
      "ca.cnf", "[ca]\ndefault_ca=d\n[d]\ndatabase=" + directory.path("index.txt") +
                    "\ndefault_md=sha256\ndefault_crl_days=3\ncrlnumber=" + directory.path("crlnumber") + "\n");
  const std::string index = directory.write("index.txt",
                                            "R\t270101000000Z\t260201000000Z,keyCompromise\t0A\tunknown\t/CN=a\n"
                                            "V\t270101000000Z\t\t0B\tunknown\t/CN=b\n");
  const std::string number = directory.write("crlnumber", "1000\n");
  const auto made =
      run_command({"openssl", "ca", "-gencrl", "-config", configuration, "-cert",
                   directory.write("ca.pem", to_pem(root.certificate)), "-keyfile",
                   directory.write("ca.key", root.key.to_pem().value().reveal()), "-out", directory.path("crl")});
  ASSERT_EQ(made.status, 0) << made.output;
  const auto crl = parse_crl(directory.read("crl"), "x");
  ASSERT_TRUE(crl) << crl.error().message;
  EXPECT_TRUE(is_signed_by(*crl, root.key.public_key_info()).value());
  EXPECT_EQ(crl->number, "1000");
  const auto entry = find_revoked(*crl, "0a").value();
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->reason, RevocationReason::key_compromise);
  EXPECT_EQ(format_rfc3339(entry->revoked_at), "2026-02-01T00:00:00Z");
  EXPECT_FALSE(find_revoked(*crl, "0b").value());
}

TEST(Crl, OtherThingsAreNamed) {
  const Authority root = make_root("CN=Root");
  const auto parsed = parse_crl(to_pem(root.certificate), "in.crl");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().message, "failed to parse CRL from in.crl: it holds a certificate, not a CRL");
  EXPECT_THAT(parse_crl(root.certificate.der, "in.crl").error().message, StartsWith("failed to parse CRL from in.crl"));
  EXPECT_FALSE(parse_crl("", "x"));
}

TEST(RevocationReasons, NamesBothWays) {
  const std::map<std::string, int> names = {{"unspecified", 0},
                                            {"keyCompromise", 1},
                                            {"affiliationChanged", 3},
                                            {"superseded", 4},
                                            {"cessationOfOperation", 5}};
  for (const auto& [name, value] : names) {
    const RevocationReason reason = parse_revocation_reason(name).value();
    EXPECT_EQ(static_cast<int>(reason), value);
    EXPECT_EQ(to_text(reason), name);
  }
  for (const char* wrong : {"", "KeyCompromise", "keycompromise", "cACompromise", "certificateHold", "1"}) {
    EXPECT_EQ(parse_revocation_reason(wrong).error().code, ErrorCode::invalid_argument) << wrong;
  }
}

}  // namespace
}  // namespace lockstep::x509
