// What doctor finds in a CA's ledger, takes over and repairs.
#include "ca/check.h"

#include "ca/flat_ledger_reader.h"
#include "ca/ledger_fixture.h"

namespace lockstep::ca {
namespace {

using lockstep::testing::describe_difference;
using lockstep::testing::Tree;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Check : public LedgerTest {
 protected:
  void SetUp() override {
    LedgerTest::SetUp();
    ASSERT_TRUE(sign(3));
    ASSERT_TRUE(revoke(3));
    ASSERT_TRUE(publish_crl(ledger, 3600, clock.now()));
  }
  LedgerContents contents() { return read_contents(disk, kDirectory).value(); }
  std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos);
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
  }
  void refused(const std::string& why) {
    const Tree before = disk.dump();
    const auto adopted = adopt(runtime, kDirectory);
    ASSERT_FALSE(adopted);
    EXPECT_EQ(adopted.error().code, ErrorCode::edited_by_hand);
    EXPECT_THAT(adopted.error().message, HasSubstr(why));
    EXPECT_EQ(describe_difference(before, disk.dump()), "");
  }
};

TEST_F(Check, FindsNothingInAGoodOne) { EXPECT_THAT(damage(), IsEmpty()); }

TEST_F(Check, FindsAForeignKeyAndJunk) {
  LedgerContents edited = contents();
  edited.key = std::string(lockstep::testing::make_key().to_pem()->reveal());
  EXPECT_THAT(damage(edited), ElementsAre("it is not the key of ca.crt"));
  edited.key = "junk";
  EXPECT_THAT(damage(edited), ElementsAre(HasSubstr("ca.key")));
  edited = contents();
  edited.crl = "junk";
  EXPECT_THAT(damage(edited), ElementsAre(HasSubstr("ca.crl")));
}

TEST_F(Check, FindsCountersThatFellBehind) {
  LedgerContents edited = contents();
  edited.serial = "04\n";
  EXPECT_THAT(damage(edited), ElementsAre("the next serial 04 is not above the highest one in index.json, 04"));
  edited.serial = "junk";
  EXPECT_THAT(damage(edited), ElementsAre(HasSubstr("does not hold one number")));
  edited = contents();
  edited.crl_number = "01\n";
  EXPECT_THAT(damage(edited), ElementsAre("the next CRL number is not above that of ca.crl, 01"));
}

TEST_F(Check, FindsWhatIndexAndCertificatesDoNotHaveInCommon) {
  LedgerContents edited = contents();
  edited.index = replaced(edited.index, "CN=host", "CN=other");
  EXPECT_THAT(damage(edited), ElementsAre("entry 02 differs from its certificate in subject or dates"));
  edited = contents();
  edited.index = std::string(kEmptyIndex);
  EXPECT_THAT(damage(edited), ::testing::UnorderedElementsAre(
                                  "index.json has no entry for serial 02", "index.json has no entry for serial 03",
                                  "index.json has no entry for serial 04",
                                  "entry 03 is revoked in ca.crl but not in the index: a revocation is for ever"));
}

TEST_F(Check, FindsCertificateFilesThatAreWrong) {
  disk.write_file("/srv/ca/certs/02.pem", content("certs/04.pem"));
  EXPECT_THAT(damage(), ElementsAre("it is the certificate with serial 04"));
  disk.write_file("/srv/ca/certs/02.pem", "junk");
  EXPECT_THAT(damage(), ElementsAre(HasSubstr("02.pem")));
  ASSERT_TRUE(disk.open_directory("/srv/ca/certs").value()->remove_file("02.pem"));
  EXPECT_THAT(damage(), ElementsAre("entry 02 has no certificate file"));
  const auto other = lockstep::testing::make_root("CN=host");
  disk.write_file("/srv/ca/certs/02.pem", x509::to_pem(other.certificate));
  EXPECT_THAT(damage(), ElementsAre("it is the certificate with serial 01"));
}

TEST_F(Check, LeftOversAndForeignFilesAreNoDamage) {
  disk.write_file("/srv/ca/certs/05.pem", "half");
  disk.write_file("/srv/ca/certs/README", "mine");
  EXPECT_THAT(damage(), IsEmpty());
  std::vector<std::string> kinds;
  const auto findings = check_ledger(disk, kDirectory, contents());
  ASSERT_TRUE(findings);
  for (const auto& finding : *findings) {
    kinds.emplace_back(durable::finding_kind_name(finding.kind));
  }
  EXPECT_THAT(kinds, ::testing::UnorderedElementsAre("leftover", "note"));
}

TEST_F(Check, AdoptsAConsistentEdit) {
  const auto generation = adopt(runtime, kDirectory);  // nothing was edited
  ASSERT_TRUE(generation);
  const std::string active = R"("status":"active","revoked_at":"","revocation_reason":"")";
  const std::string edited =
      replaced(content("index.json"), active,
               R"("status":"revoked","revoked_at":"2026-03-01T12:00:00Z","revocation_reason":"superseded")");
  overwrite("index.json", edited);
  const Status refused = sign();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::edited_by_hand);
  const auto adopted = adopt(runtime, kDirectory);
  ASSERT_TRUE(adopted) << adopted.error().message;
  EXPECT_GT(*adopted, *generation);
  EXPECT_EQ(content("index.json"), edited);
  EXPECT_EQ(revoke(2).error().code, ErrorCode::already_revoked);
  ASSERT_TRUE(sign());
  EXPECT_EQ(serials.back(), 5U);
}

TEST_F(Check, DoesNotAdoptARevocationTakenBack) {
  overwrite("index.json",
            replaced(content("index.json"),
                     R"("status":"revoked","revoked_at":"2026-03-01T12:00:00Z","revocation_reason":"unspecified")",
                     R"("status":"active","revoked_at":"","revocation_reason":"")"));
  refused("entry 03 is revoked in ca.crl but not in the index");
}

TEST_F(Check, AnEmptyRevocationListIsNotTheLackOfOne) {
  overwrite("ca.crl", "");
  refused("failed to parse CRL from ca.crl: it is empty");
}

TEST_F(Check, CertificatesThatAreNoFilesAreDamage) {
  disk.make_directories("/srv/ca/certs/05.pem");
  EXPECT_THAT(damage(), ElementsAre("it is a directory where a certificate's file belongs; move it away"));
  auto directory = disk.open_directory("/srv/ca");
  ASSERT_TRUE((*directory)->rename("certs", **directory, "elsewhere"));
  disk.make_symlink("elsewhere", "/srv/ca/certs");
  EXPECT_THAT(damage(), ElementsAre("it is missing or not a directory: put it back"));
  EXPECT_FALSE(ledger.write());
}

TEST_F(Check, AGenerationWithoutAMemberIsDamageAndIsRepaired) {
  for (const char* name : {kIndexFile, kSerialFile, kCrlNumberFile, kKeyFile, kCertificateFile}) {
    SCOPED_TRACE(name);
    lockstep::testing::SimFileSystem copy(disk.image());
    durable::Runtime other{copy, clock, random, std::chrono::milliseconds(50)};
    {
      auto store = durable::StoreWriter::open(other, kDirectory, store_options());
      ASSERT_TRUE(store);
      durable::Change change;
      ASSERT_TRUE(store->commit(change.remove(name)));
    }
    EXPECT_THAT(has_members(*durable::Snapshot::open(copy, kDirectory)).error().message,
                HasSubstr("has no member '" + std::string(name) + "'"));
    FlatLedger broken(other, kDirectory, {});
    const auto writer = broken.write();
    ASSERT_FALSE(writer);
    EXPECT_EQ(writer.error().code, ErrorCode::damaged);
    ASSERT_TRUE(repair(other, kDirectory));
    EXPECT_TRUE(broken.write());
  }
}

TEST_F(Check, DoesNotAdoptCountersSetBack) {
  overwrite("serial", "04\n");
  refused("the next serial 04 is not above the highest one");
}

TEST_F(Check, RepairDoesNothingToAGoodOne) {
  const Tree before = disk.dump();
  const auto repaired = repair(runtime, kDirectory);
  ASSERT_TRUE(repaired);
  EXPECT_THAT(repaired->actions, IsEmpty());
  EXPECT_EQ(describe_difference(before, disk.dump()), "");
}

TEST_F(Check, RepairGoesForwardAboveEveryNumberFound) {
  // The damaged generation is the one that issued 05: its certificate is in the folder, its index is lost.
  ASSERT_TRUE(sign());
  overwrite("index.json", "damaged");
  const auto repaired = repair(runtime, kDirectory);
  ASSERT_TRUE(repaired) << repaired.error().message;
  EXPECT_FALSE(repaired->actions.empty());
  EXPECT_THAT(damage(), IsEmpty());
  EXPECT_EQ(ledger.read().value()->find(5).value()->subject, "CN=host");
  EXPECT_TRUE(ledger.read().value()->find(3).value()->revocation);
  ASSERT_TRUE(sign());
  EXPECT_GT(serials.back(), 5U);
  EXPECT_GT(publish_crl(ledger, 60, clock.now())->number, 1U);
  EXPECT_THAT(damage(), IsEmpty());
}

TEST_F(Check, RepairForgetsNoRevocation) {
  // The generation that revoked 02 is damaged, though not in its index; the intact one before it has 02 active.
  ASSERT_TRUE(revoke(2, x509::RevocationReason::key_compromise));
  overwrite("serial", "damaged");
  ASSERT_TRUE(repair(runtime, kDirectory));
  const auto entry = ledger.read().value()->find(2);
  ASSERT_TRUE(entry && *entry && (*entry)->revocation);
  EXPECT_EQ((*entry)->revocation->reason, x509::RevocationReason::key_compromise);
  EXPECT_EQ(publish_crl(ledger, 60, clock.now())->revoked, 2U);
  EXPECT_THAT(damage(), IsEmpty());
}

TEST_F(Check, RepairKeepsAnEditThatStandsInPlaceOfALink) {
  ASSERT_TRUE((*disk.open_directory(kDirectory))->remove_file("index.json"));
  disk.write_file("/srv/ca/index.json", "hours of work");
  overwrite("serial", "damaged");
  ASSERT_TRUE(repair(runtime, kDirectory));
  EXPECT_EQ(content("index.json"), "hours of work");
  // It is still to be taken over or taken away.
  EXPECT_EQ(ledger.write().error().code, ErrorCode::edited_by_hand);
}

TEST_F(Check, RepairMakesALinkOfACopy) {
  const std::string index = content("index.json");
  ASSERT_TRUE((*disk.open_directory(kDirectory))->remove_file("index.json"));
  disk.write_file("/srv/ca/index.json", index);
  overwrite("serial", "damaged");
  ASSERT_TRUE(repair(runtime, kDirectory));
  EXPECT_EQ(disk.dump().at("/srv/ca/index.json").type, fs::FileType::symlink);
}

TEST_F(Check, ARepairThatFailsLeavesTheRecordAsItWas) {
  for (const auto& [path, entry] : disk.dump()) {
    if (path.starts_with("/srv/ca/.lockstep/gen-") && path.ends_with("/ca.key")) disk.write_file(path, "junk", 0600);
  }
  disk.write_file("/srv/ca/.lockstep/history", "junk", 0600);
  const Tree before = disk.dump();
  EXPECT_FALSE(repair(runtime, kDirectory));
  EXPECT_EQ(describe_difference(before, disk.dump()), "");
}

TEST_F(Check, ARepairMendsTheRecordToo) {
  overwrite("serial", "damaged");
  disk.write_file("/srv/ca/.lockstep/history", "junk", 0600);
  const auto repaired = repair(runtime, kDirectory);
  ASSERT_TRUE(repaired) << repaired.error().message;
  EXPECT_THAT(repaired->actions, ::testing::Contains("the record of kept generations was written anew"));
  EXPECT_TRUE(ledger.write());
}

TEST_F(Check, RepairRefusesWhenNoGenerationIsIntact) {
  for (const auto& [path, entry] : disk.dump()) {
    if (path.starts_with("/srv/ca/.lockstep/gen-") && path.ends_with("/ca.key")) disk.write_file(path, "junk", 0600);
  }
  const Tree before = disk.dump();
  const auto repaired = repair(runtime, kDirectory);
  ASSERT_FALSE(repaired);
  EXPECT_EQ(repaired.error().code, ErrorCode::damaged);
  EXPECT_EQ(describe_difference(before, disk.dump()), "");
}

}  // namespace
}  // namespace lockstep::ca
