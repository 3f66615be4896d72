// A whole command at every call of another one: what is printed is right at some moment of the run, and a store that is
// merely in use is never called anything else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/command_fixture.h"

namespace lockstep::cli {
namespace {

using lockstep::testing::Operation;
using lockstep::testing::SimFileSystem;
using lockstep::testing::SimImage;
using lockstep::testing::Verdict;
using nlohmann::json;

using Words = std::vector<std::string>;

struct Report {
  int status = 0;
  std::string out;
  json document;
};

Report report_of(SimFileSystem& disk, Words words, std::uint64_t seed = 11) {
  words.emplace_back("--json");
  Finished finished = lockstep(disk, words, {.seed = seed});
  return {finished.status, finished.out, json::parse(finished.out, nullptr, false)};
}

Words import_of(int number) {
  const std::string name = "/in/" + std::to_string(number);
  return {"cert", "import", "--domain", "host.example", "--cert", name + ".crt", "--key", name + ".key"};
}

// A CA with the serials 02 and 03, and a folder that was given the first and then the second of them.
SimImage prepared() {
  SimFileSystem disk;
  disk.make_directories("/srv");
  disk.make_directories("/in");
  must(disk, {"ca", "init", "--subject", "CN=Root"});
  for (const int number : {0, 1}) {
    const std::string name = "/in/" + std::to_string(number);
    must(disk, {"ca", "request", "--subject", "CN=host", "--san", "DNS:host.example", "--out-key", name + ".key",
                "--out-csr", name + ".csr"});
    must(disk, {"ca", "sign", name + ".csr", "--out", name + ".crt"});
    must(disk, import_of(number));
  }
  return disk.image();
}

using Check = void (*)(const Report& finished);

// Runs `other` whole before each call of `command`, one after the other.
void at_every_call(const Words& command, const Words& other, Check check) {
  static const SimImage image = prepared();
  std::uint64_t done = 0;
  for (std::uint64_t stop = 0;; ++stop) {
    SimFileSystem disk(image);
    std::uint64_t calls = 0;
    bool reached = false;
    disk.set_hook([&](const Operation&) {
      if (!reached && calls++ == stop) {
        reached = true;
        const Report finished = report_of(disk, other, 12);
        // The other one may have the lock just now.
        const bool locked_out = finished.status != 0 && finished.document["error"]["code"] == "lock_timeout";
        EXPECT_TRUE(finished.status == 0 || locked_out) << finished.out;
        if (finished.status == 0) ++done;
      }
      return Verdict();
    });
    const Report finished = report_of(disk, command);
    disk.set_hook(nullptr);
    SCOPED_TRACE(command[0] + " " + command[1] + ", " + other[1] + " before its call " + std::to_string(stop));
    check(finished);
    if (::testing::Test::HasFailure()) return;
    if (!reached) {
      EXPECT_GT(done, 0U);
      std::cout << stop << " calls, " << done << " times the other one succeeded\n";
      return;
    }
  }
}

void succeeds(const Report& finished) { EXPECT_EQ(finished.status, 0) << finished.out; }

void finds_nothing(const Report& finished) {
  ASSERT_EQ(finished.status, 0) << finished.out;
  for (const json& store : finished.document["stores"]) EXPECT_TRUE(store["findings"].empty()) << store.dump();
}

void shows_a_generation_as_it_is(const Report& finished) {
  ASSERT_EQ(finished.status, 0) << finished.out;
  const bool odd = finished.document["generation"].get<int>() % 2 == 1;
  EXPECT_EQ(finished.document["serial"], odd ? "02" : "03") << finished.out;
}

// The other one imports the second set again, as generation 3: nobody went back to that.
void went_back(const Report& finished) {
  shows_a_generation_as_it_is(finished);
  EXPECT_EQ(finished.document["generation"], 1) << finished.out;
}

TEST(BusyStore, DoctorDoesNotTakeAnIssuanceForDamage) {
  at_every_call({"doctor", "/srv/ca"}, {"ca", "sign", "/in/0.csr"}, finds_nothing);
}

TEST(BusyStore, DoctorDoesNotTakeARevocationForDamage) {
  at_every_call({"doctor", "/srv/ca"}, {"ca", "revoke", "02"}, finds_nothing);
}

TEST(BusyStore, DoctorBesideANewRevocationList) { at_every_call({"doctor", "/srv/ca"}, {"ca", "crl"}, finds_nothing); }

TEST(BusyStore, DoctorBesideImports) {
  at_every_call({"doctor", "/srv/certs/host.example"}, import_of(0), finds_nothing);
}

TEST(BusyStore, ARollbackShowsWhatItWentBackTo) {
  at_every_call({"cert", "rollback", "host.example"}, import_of(1), went_back);
}

TEST(BusyStore, ShowBesideImports) {
  at_every_call({"cert", "show", "host.example"}, import_of(0), shows_a_generation_as_it_is);
}

TEST(BusyStore, ListAndVerifyBesideImports) {
  at_every_call({"cert", "list"}, import_of(0), succeeds);
  at_every_call({"cert", "verify", "host.example"}, import_of(0), succeeds);
}

TEST(BusyStore, LooksAtTheAuthorityBesideIssuance) {
  at_every_call({"ca", "list"}, {"ca", "sign", "/in/0.csr"}, succeeds);
  at_every_call({"ca", "show", "02"}, {"ca", "sign", "/in/0.csr"}, succeeds);
  at_every_call({"ca", "verify", "/srv/ca/certs/02.pem"}, {"ca", "sign", "/in/0.csr"}, succeeds);
}

}  // namespace
}  // namespace lockstep::cli
