// The flat ledger on the simulated file system: issuing, revoking, CRL numbers, and that failures cost no serial.
#include "ca/flat_ledger.h"

#include <cerrno>

#include "ca/ledger_fixture.h"

namespace lockstep::ca {
namespace {

using lockstep::testing::describe_difference;
using lockstep::testing::Operation;
using lockstep::testing::SimFileSystem;
using lockstep::testing::Tree;
using lockstep::testing::Verdict;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using FlatLedgerTest = LedgerTest;

TEST_F(FlatLedgerTest, ANewOneIsEmpty) {
  EXPECT_EQ(content("serial"), "02\n");
  EXPECT_EQ(content("crlnumber"), "01\n");
  EXPECT_EQ(content("index.json"), "[]\n");
  EXPECT_EQ(content("ca.crl"), "none");
  EXPECT_THAT(certificate_files(), IsEmpty());
  EXPECT_EQ(disk.dump().at(kDirectory).attributes.mode & 07777U, 0700U);
  EXPECT_THAT(damage(), IsEmpty());
}

TEST_F(FlatLedgerTest, IssuesInOrderAndRecordsEach) {
  ASSERT_TRUE(sign());
  ASSERT_TRUE(sign(3));
  EXPECT_THAT(serials, ElementsAre(2, 3, 4, 5));
  EXPECT_EQ(content("serial"), "06\n");
  EXPECT_THAT(certificate_files(), ElementsAre("02.pem", "03.pem", "04.pem", "05.pem"));
  EXPECT_EQ(canonical_index(content("index.json"), "index.json").value(), content("index.json"));
  EXPECT_THAT(damage(), IsEmpty());
  const auto reader = ledger.read();
  ASSERT_TRUE(reader);
  std::vector<Serial> listed;
  ASSERT_TRUE((*reader)->for_each([&](const IndexEntry& entry) -> Status {
    listed.push_back(entry.serial);
    return {};
  }));
  EXPECT_EQ(listed, serials);
  EXPECT_EQ((*reader)->certificate(4).value(), content("certs/04.pem"));
  EXPECT_EQ((*reader)->find(5).value()->subject, "CN=host");
  EXPECT_FALSE((*reader)->find(6).value());
  EXPECT_EQ((*reader)->certificate(6).error().code, ErrorCode::certificate_not_found);
  EXPECT_FALSE((*reader)->crl().value());
}

TEST_F(FlatLedgerTest, AnAnnouncementOfEveryNumberEndsAndRemovesWhatWasNeverRecorded) {
  ASSERT_TRUE(sign());
  for (const char* announced : {"7fffffffffffffff\n", "junk", ""}) {
    disk.make_directories("/srv/ca/.lockstep/draft");
    disk.write_file("/srv/ca/.lockstep/draft/issuing", announced);
    disk.write_file("/srv/ca/certs/0abcde.pem", "never recorded");
    disk.write_file("/srv/ca/certs/mine.pem", "mine");
    ASSERT_TRUE(ledger.write());
    EXPECT_THAT(certificate_files(), ElementsAre("02.pem", "mine.pem"));
    EXPECT_EQ(disk.read_file("/srv/ca/.lockstep/draft/issuing"), std::nullopt);
  }
  EXPECT_LT(disk.operation_count(), 1000U);
}

TEST_F(FlatLedgerTest, AnAnnouncementIsNotReadThroughALink) {
  disk.make_directories("/outside");
  disk.write_file("/outside/issuing", "ff\n");
  disk.make_symlink("/outside", "/srv/ca/.lockstep/draft");
  EXPECT_FALSE(ledger.write());
  EXPECT_EQ(disk.read_file("/outside/issuing"), "ff\n");
}

TEST_F(FlatLedgerTest, AReaderKeepsItsStateThroughLaterCommits) {
  ASSERT_TRUE(sign());
  const auto reader = ledger.read();
  ASSERT_TRUE(sign(2));
  ASSERT_TRUE(revoke(2));
  EXPECT_FALSE((*reader)->find(3).value());
  EXPECT_FALSE((*reader)->find(2).value()->revocation);
}

TEST_F(FlatLedgerTest, OnlyOneWriterAtATime) {
  const auto writer = ledger.write();
  ASSERT_TRUE(writer);
  EXPECT_EQ(ledger.write().error().code, ErrorCode::lock_timeout);
  EXPECT_TRUE(ledger.read());
  EXPECT_THAT(warnings, IsEmpty());
}

TEST_F(FlatLedgerTest, RevokesOneEntryForEver) {
  ASSERT_TRUE(sign(3));
  const std::string before = content("index.json");
  ASSERT_TRUE(revoke(3, x509::RevocationReason::superseded));
  std::string expected = before;
  const std::string active = R"("status":"active","revoked_at":"","revocation_reason":"")";
  expected.replace(expected.find(active, expected.find("\"03\"")), active.size(),
                   R"("status":"revoked","revoked_at":"2026-03-01T12:00:00Z","revocation_reason":"superseded")");
  EXPECT_EQ(content("index.json"), expected);
  EXPECT_EQ(content("serial"), "05\n");
  EXPECT_EQ(revoke(3).error().message, "certificate with serial 03 is already revoked");
  EXPECT_EQ(revoke(3).error().code, ErrorCode::already_revoked);
  EXPECT_EQ(revoke(5).error().message, "certificate with serial 05 not found");
  EXPECT_EQ(revoke(kRootSerial).error().code, ErrorCode::certificate_not_found);
  EXPECT_EQ(content("index.json"), expected);
}

TEST_F(FlatLedgerTest, CrlNumbersStartAtOneAndNeverComeTwice) {
  ASSERT_TRUE(sign(3));
  const auto numbers_and_counts = [&] {
    const PublishedCrl crl = publish_crl(ledger, 3600, clock.now()).value();
    EXPECT_EQ(crl.next_update - crl.this_update, 3600);
    EXPECT_EQ(parse_serial(x509::parse_crl(content("ca.crl"), "ca.crl").value().number).value(), crl.number);
    return std::pair(crl.number, crl.revoked);
  };
  EXPECT_EQ(numbers_and_counts(), std::pair(Serial{1}, std::size_t{0}));
  EXPECT_TRUE(x509::parse_crl(content("ca.crl"), "ca.crl")->revoked_entries.empty());
  ASSERT_TRUE(revoke(4, x509::RevocationReason::key_compromise));
  ASSERT_TRUE(revoke(2));
  EXPECT_EQ(numbers_and_counts(), std::pair(Serial{2}, std::size_t{2}));
  std::vector<std::string> listed;
  const auto crl = x509::parse_crl(content("ca.crl"), "ca.crl").value();
  ASSERT_TRUE(x509::for_each_revoked(crl, [&](const std::string& serial, const x509::CrlEntry&) -> Status {
    listed.push_back(serial);
    return {};
  }));
  EXPECT_THAT(listed, ElementsAre("02", "04"));
  EXPECT_EQ(x509::find_revoked(crl, "04").value()->reason, x509::RevocationReason::key_compromise);
  EXPECT_EQ(crl.authority_key_id, test_authority().certificate.subject_key_id);
  EXPECT_TRUE(x509::is_signed_by(crl, test_authority().certificate.public_key_info).value());
  EXPECT_EQ(content("crlnumber"), "03\n");
  EXPECT_THAT(damage(), IsEmpty());
}

// Runs the change once for every call that it makes, with that call failing; `check` sees each failure.
void fail_every_call(SimFileSystem& disk, const std::function<Status()>& change,
                     const std::function<void(const Error&)>& check) {
  for (std::uint64_t failing = 0;; ++failing) {
    bool reached = false;
    disk.set_hook([&](const Operation& operation) -> Verdict {
      if (operation.index != failing || operation.kind == "close") return {};
      reached = true;
      return {.action = Verdict::Action::fail, .error = ENOSPC};
    });
    const Status status = change();
    const bool past_the_end = disk.operation_count() <= failing;
    disk.set_hook({});
    if (!status) check(status.error());
    if (past_the_end) return;
    ASSERT_TRUE(reached || status);
  }
}

TEST_F(FlatLedgerTest, AFailedIssueCostsNoSerial) {
  ASSERT_TRUE(sign());
  int failures = 0;
  fail_every_call(
      disk, [&] { return sign(2); },
      [&](const Error& error) {
        ++failures;
        if (error.code == ErrorCode::commit_uncertain) {
          serials.insert(serials.end(), 2, 0);
          return;
        }
        // What a failed clean-up left is above the serial: the next writer, which recovers first, removes it.
        EXPECT_EQ(content("serial"), serial_to_hex(serials.size() + 2) + "\n");
        ASSERT_TRUE(ledger.write());
        EXPECT_EQ(certificate_files().size(), serials.size());
      });
  EXPECT_GT(failures, 20);
  EXPECT_EQ(content("serial"), serial_to_hex(serials.size() + 2) + "\n");
  EXPECT_EQ(certificate_files().size(), serials.size());
  EXPECT_THAT(damage(), IsEmpty());
  for (std::size_t i = 0; i < serials.size(); ++i) {
    if (serials[i] == 0) continue;  // issued, but the commit is uncertain
    EXPECT_EQ(serials[i], i + 2);
  }
}

TEST_F(FlatLedgerTest, AFailedCrlKeepsItsNumberForTheNext) {
  ASSERT_TRUE(sign(2));
  ASSERT_TRUE(revoke(2));
  Serial last = 0;
  fail_every_call(
      disk,
      [&]() -> Status {
        const PublishedCrl crl = TRY(publish_crl(ledger, 60, clock.now()));
        EXPECT_EQ(crl.number, last + 1);
        last = crl.number;
        return {};
      },
      [&](const Error& error) {
        if (error.code == ErrorCode::commit_uncertain) ++last;
        EXPECT_EQ(content("crlnumber"), serial_to_hex(last + 1) + "\n");
      });
  EXPECT_THAT(damage(), IsEmpty());
}

TEST_F(FlatLedgerTest, ManyAreAnnouncedAndLeaveNothingElse) {
  ASSERT_TRUE(sign(70));
  EXPECT_THAT(certificate_files(), SizeIs(70));
  // The commit's own rename fails: 70 certificates are taken back.
  disk.set_hook([](const Operation& operation) -> Verdict {
    if (operation.kind != "rename" || !operation.path.ends_with("current")) return {};
    return {.action = Verdict::Action::fail, .error = EIO};
  });
  const Status refused = sign(70);
  disk.set_hook({});
  EXPECT_FALSE(refused);
  EXPECT_THAT(certificate_files(), SizeIs(70));
  ASSERT_TRUE(ledger.write());
  for (const auto& [path, entry] : disk.dump()) EXPECT_FALSE(path.ends_with("/issuing")) << path;
}

TEST_F(FlatLedgerTest, AWriterRemovesWhatWasNeverRecordedAndNothingBelow) {
  ASSERT_TRUE(sign(2));
  disk.write_file("/srv/ca/certs/04.pem", "half");
  disk.write_file("/srv/ca/certs/05.pem", content("certs/02.pem"));
  disk.write_file("/srv/ca/certs/notes.txt", "mine");
  ASSERT_TRUE(ledger.write());
  EXPECT_THAT(certificate_files(), ElementsAre("02.pem", "03.pem", "notes.txt"));
  ASSERT_TRUE(sign());
  EXPECT_THAT(serials, ElementsAre(2, 3, 4));
}

TEST(FlatLedgerInit, IsRefusedWhereItMustNotBe) {
  SimFileSystem disk;
  lockstep::testing::ManualClock clock;
  lockstep::testing::SeededRandom random;
  durable::Runtime runtime{disk, clock, random, std::chrono::milliseconds(50)};
  const auto refusal = [&](const std::string& path) {
    FlatLedger ledger(runtime, path, {});
    const Tree before = disk.dump();
    const Status status = ledger.initialize(test_authority().files);
    EXPECT_FALSE(status) << path;
    EXPECT_EQ(describe_difference(before, disk.dump()), "");
    EXPECT_FALSE(ledger.read());
    EXPECT_FALSE(ledger.write());
    return status ? ErrorCode::internal : status.error().code;
  };
  disk.make_directories("/key");
  disk.write_file("/key/ca.key", "precious");
  disk.make_directories("/certificate");
  disk.write_file("/certificate/ca.crt", "precious");
  disk.make_directories("/foreign/other");
  disk.write_file("/file", "");
  disk.make_symlink("/key", "/link");
  disk.make_directories("/full/certs");
  disk.write_file("/full/certs/02.pem", "precious");
  EXPECT_EQ(refusal("/key"), ErrorCode::already_initialized);
  EXPECT_EQ(refusal("/certificate"), ErrorCode::already_initialized);
  EXPECT_EQ(refusal("/foreign"), ErrorCode::foreign_file);
  EXPECT_EQ(refusal("/full"), ErrorCode::foreign_file);
  EXPECT_EQ(refusal("/file"), ErrorCode::invalid_argument);
  EXPECT_EQ(refusal("/link"), ErrorCode::invalid_argument);
  disk.make_directories("/mine");
  disk.set_effective_user(1001);
  EXPECT_EQ(refusal("/mine"), ErrorCode::permission_denied);
}

TEST(FlatLedgerInit, AFailureLeavesTheDirectoryAsItWas) {
  for (const bool exists : {false, true}) {
    for (std::uint64_t failing = 0;; ++failing) {
      SimFileSystem disk;
      disk.make_directories("/srv");
      if (exists) disk.make_directories("/srv/ca", 0755);
      lockstep::testing::ManualClock clock;
      lockstep::testing::SeededRandom random;
      durable::Runtime runtime{disk, clock, random, std::chrono::milliseconds(50)};
      FlatLedger ledger(runtime, "/srv/ca", {});
      const Tree before = disk.dump();
      disk.set_hook([&](const Operation& operation) -> Verdict {
        if (operation.index != failing || operation.kind == "close") return {};
        return {.action = Verdict::Action::fail, .error = EIO};
      });
      const Status status = ledger.initialize(test_authority().files);
      const bool past_the_end = disk.operation_count() <= failing;
      disk.set_hook({});
      if (!status && status.error().code != ErrorCode::commit_uncertain) {
        EXPECT_EQ(describe_difference(before, disk.dump()), "") << failing << ": " << status.error().message;
      } else {
        EXPECT_TRUE(ledger.read()) << failing;
      }
      if (past_the_end) break;
    }
  }
}

TEST_F(FlatLedgerTest, ASecondInitNeverOverwrites) {
  const Tree before = disk.dump();
  const Status again = ledger.initialize(test_authority().files);
  EXPECT_EQ(again.error().code, ErrorCode::already_initialized);
  EXPECT_EQ(again.error().message, "CA already initialized at /srv/ca");
  EXPECT_EQ(describe_difference(before, disk.dump()), "");
}

}  // namespace
}  // namespace lockstep::ca
