// A CA on the simulated file system, with keys and requests that are made once.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ca/check.h"
#include "ca/flat_ledger.h"
#include "ca/operations.h"
#include "testing/authority.h"
#include "testing/manual_clock.h"
#include "testing/sim_file_system.h"

namespace lockstep::ca {

inline const NewAuthority& test_authority() {
  static const NewAuthority made = make_authority(x509::Name::parse_text("CN=Root").value(),
                                                  crypto::KeyAlgorithm::ecdsa_p256, 3650 * 86400, testing::kTestTime)
                                       .value();
  return made;
}

inline const std::string& test_request_der() {
  static const std::string made =
      x509::make_request(x509::Name::parse_text("CN=host").value(), {}, testing::make_key()).value();
  return made;
}

inline const x509::Request& test_request() {
  static const x509::Request made = x509::parse_request(test_request_der(), "a.csr").value();
  return made;
}

class LedgerTest : public ::testing::Test {
 protected:
  static constexpr const char* kDirectory = "/srv/ca";

  void SetUp() override {
    disk.make_directories("/srv");
    ASSERT_TRUE(ledger.initialize(test_authority().files));
  }
  Status sign(std::size_t count = 1) {
    const std::vector<x509::Request> requests(count, test_request());
    const std::vector<Issued> issued = TRY(sign_requests(ledger, requests, {}, clock.now()));
    for (const Issued& one : issued) serials.push_back(one.entry.serial);
    return {};
  }
  Status revoke(Serial serial, x509::RevocationReason reason = x509::RevocationReason::unspecified) {
    const std::unique_ptr<LedgerWriter> writer = TRY(ledger.write());
    TRY(writer->revoke(serial, {clock.now(), reason}));
    return {};
  }
  [[nodiscard]] std::string content(const std::string& name) const {
    return disk.read_file(std::string(kDirectory) + "/" + name).value_or("none");
  }
  // As a person who edits the file that the name leads to.
  void overwrite(const std::string& name, const std::string& text) {
    const auto real = disk.real_path(std::string(kDirectory) + "/" + name);
    ASSERT_TRUE(real);
    disk.write_file(*real, text, 0600);
  }
  [[nodiscard]] std::vector<std::string> certificate_files() const {
    std::vector<std::string> names;
    const std::string folder = std::string(kDirectory) + "/certs/";
    for (const auto& [path, entry] : disk.dump()) {
      if (path.starts_with(folder)) names.push_back(path.substr(folder.size()));
    }
    return names;
  }
  // The messages of everything that is damaged.
  std::vector<std::string> damage() {
    const auto contents = read_contents(disk, kDirectory);
    EXPECT_TRUE(contents);
    return damage(*contents);
  }
  std::vector<std::string> damage(const LedgerContents& contents) {
    std::vector<std::string> messages;
    const auto findings = check_ledger(disk, kDirectory, contents);
    EXPECT_TRUE(findings);
    for (const durable::Finding& finding : findings.value()) {
      if (finding.kind == durable::FindingKind::damage) messages.push_back(finding.what);
    }
    return messages;
  }

  testing::SimFileSystem disk;
  testing::ManualClock clock;
  testing::SeededRandom random;
  durable::Runtime runtime{disk, clock, random, std::chrono::milliseconds(50)};
  std::vector<std::string> warnings;
  FlatLedger ledger{runtime, kDirectory, [this](const std::string& text) { warnings.push_back(text); }};
  std::vector<Serial> serials;
};

}  // namespace lockstep::ca
