// Whole commands on the strict simulation: crashed at every call, failed at every call.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/command_fixture.h"
#include "testing/crash_explorer.h"
#include "testing/effort.h"
#include "x509/certificate.h"

namespace lockstep::cli {
namespace {

using lockstep::testing::CrashScenario;
using lockstep::testing::deep;
using lockstep::testing::explore;
using lockstep::testing::ExplorerReport;
using lockstep::testing::RunOutcome;
using lockstep::testing::SimFileSystem;
using ::testing::IsEmpty;

// `done_before`: the error code that says an earlier, uncertain run has done it already.
RunOutcome outcome(const Finished& finished, const std::string& done_before = {}) {
  if (finished.status == 0) return RunOutcome::success;
  const auto document = nlohmann::json::parse(finished.out, nullptr, false);
  // A command over several stores reports each one's error in its own place.
  if (finished.out.find("commit_uncertain") != std::string::npos) return RunOutcome::commit_uncertain;
  // The doctor reports what it did beside what it still found.
  if (finished.out.find(R"("done": [)"
                        "\n") != std::string::npos)
    return RunOutcome::committed_not_delivered;
  const bool has_error = !document.is_discarded() && document.contains("error");
  const std::string code = has_error ? document["error"]["code"].get<std::string>() : "";
  if (code == "committed_not_delivered") return RunOutcome::committed_not_delivered;
  return !done_before.empty() && code == done_before ? RunOutcome::success : RunOutcome::failure;
}

// Keys are made once: the commands under test then do the same calls in every run.
const std::string& request_pem(int number) {
  static const std::vector<std::string> requests = [] {
    std::vector<std::string> made;
    SimFileSystem disk;
    disk.make_directories("/w");
    for (int i = 0; i < 3; ++i) {
      must(disk, {"ca", "request", "--subject", "CN=host" + std::to_string(i), "--san", "DNS:host.example", "--out-key",
                  "/w/k", "--out-csr", "/w/r", "--force"});
      made.push_back(*disk.read_file("/w/r"));
    }
    return made;
  }();
  return requests[static_cast<std::size_t>(number)];
}

void prepare_ca(SimFileSystem& disk) {
  disk.make_directories("/srv");
  disk.make_directories("/in");
  for (int i = 0; i < 3; ++i) disk.write_file("/in/r" + std::to_string(i), request_pem(i));
  must(disk, {"ca", "init", "--subject", "CN=Root"});
}

bool recover(SimFileSystem& disk, std::string* why) {
  for (const char* path : {"/srv/ca", "/srv/certs/host.example", "/srv/out"}) {
    const auto tree = disk.dump();
    if (!tree.contains(path)) continue;
    const Finished finished = lockstep(disk, {"recover", path});
    if (finished.status != 0) {
      *why = finished.err;
      return false;
    }
    if (lockstep(disk, {"doctor", path, "--json"}).out.find(R"("kind": "leftover")") != std::string::npos) {
      *why = std::string("something is left over in ") + path;
      return false;
    }
  }
  return true;
}

// The CA in words that do not depend on keys and signatures: what is listed, which certificate files are there and
// whether they verify, the counters, the CRL.
std::string view_ca(SimFileSystem& disk) {
  std::string text = lockstep(disk, {"ca", "list", "--json"}).out;
  for (const auto& [path, entry] : disk.dump()) {
    if (!path.starts_with("/srv/ca/certs/")) continue;
    const Finished verified = lockstep(disk, {"ca", "verify", path});
    text += path + ": " + verified.out + verified.err;
  }
  for (const char* file : {"serial", "crlnumber", "tokens.json", "devices.json"}) {
    text += disk.read_file(std::string("/srv/ca/") + file).value_or("none");
  }
  const auto doctor = lockstep(disk, {"doctor", "/srv/ca", "--json"});
  const auto report = nlohmann::json::parse(doctor.out, nullptr, false);
  if (!report.is_discarded() && report.contains("stores")) {
    for (const auto& store : report["stores"]) {
      for (const auto& finding : store["findings"]) {
        // What a cut-off command left is no part of the CA; recover() checks that it goes.
        const bool removal_cut_off = finding["what"].get<std::string>().starts_with("a kept generation lacks files");
        if (finding["kind"] != "leftover" && !removal_cut_off) text += finding.dump();
      }
    }
  }
  return text + (disk.read_file("/srv/ca/ca.crl") ? "crl" : "no crl");
}

CrashScenario ca_scenario(const std::string& name, std::vector<std::string> arguments,
                          const std::string& done_before = {}) {
  CrashScenario scenario;
  scenario.name = name;
  scenario.prepare = prepare_ca;
  arguments.emplace_back("--json");
  scenario.run = [arguments, done_before](SimFileSystem& disk) {
    return outcome(lockstep(disk, arguments), done_before);
  };
  scenario.recover = recover;
  scenario.view = view_ca;
  scenario.leftover_allowed = [](const std::string& path) { return path.starts_with("/srv/"); };
  return scenario;
}

CrashScenario ca_init(bool directory_exists) {
  CrashScenario scenario = ca_scenario(directory_exists ? "ca init in an empty directory" : "ca init",
                                       {"ca", "init", "--subject", "CN=Root"}, "already_initialized");
  scenario.prepare = [directory_exists](SimFileSystem& disk) {
    disk.make_directories("/srv");
    if (directory_exists) disk.make_directories("/srv/ca", 0700);
  };
  return scenario;
}

CrashScenario ca_request(bool force) {
  std::vector<std::string> arguments = {"ca",        "request",    "--subject", "CN=x",
                                        "--out-key", "/srv/out/k", "--out-csr", "/srv/out/r"};
  if (force) arguments.emplace_back("--force");
  CrashScenario scenario = ca_scenario(force ? "ca request --force" : "ca request", arguments, "already_exists");
  scenario.prepare = [force](SimFileSystem& disk) {
    disk.make_directories("/srv/out");
    if (!force) return;
    disk.write_file("/srv/out/k", "old key", 0600);
    disk.write_file("/srv/out/r", "old request", 0644);
  };
  // Old, or a key and a request that belong together.
  scenario.view = [](SimFileSystem& disk) {
    std::string text;
    for (const char* path : {"/srv/out/k", "/srv/out/r"}) {
      const auto content = disk.read_file(path);
      text += !content ? "none " : content->starts_with("old") ? *content + " " : content->substr(0, 30) + " ";
    }
    return text;
  };
  return scenario;
}

CrashScenario ca_revoke() {
  CrashScenario scenario = ca_scenario("ca revoke", {"ca", "revoke", "2", "--reason", "superseded"}, "already_revoked");
  scenario.prepare = [](SimFileSystem& disk) {
    prepare_ca(disk);
    must(disk, {"ca", "sign", "/in/r0", "/in/r1", "--jobs", "1"});
  };
  return scenario;
}

CrashScenario ca_crl(bool first) {
  CrashScenario scenario = ca_scenario(first ? "ca crl, the first" : "ca crl, the second", {"ca", "crl"});
  scenario.prepare = [first](SimFileSystem& disk) {
    prepare_ca(disk);
    must(disk, {"ca", "sign", "/in/r0", "/in/r1", "--jobs", "1"});
    must(disk, {"ca", "revoke", "3"});
    if (!first) must(disk, {"ca", "crl"});
  };
  return scenario;
}

struct Pair {
  std::string certificate, key, root;
};

const Pair& installed_pair(int number) {
  static const std::vector<Pair> pairs = [] {
    std::vector<Pair> made;
    SimFileSystem disk;
    disk.make_directories("/srv/w");
    must(disk, {"ca", "init", "--subject", "CN=Root"});
    for (int i = 0; i < 2; ++i) {
      must(disk, {"ca", "request", "--subject", "CN=host.example", "--san", "DNS:host.example", "--out-key", "/srv/w/k",
                  "--out-csr", "/srv/w/r", "--force"});
      must(disk, {"ca", "sign", "/srv/w/r", "--out", "/srv/w/c", "--jobs", "1"});
      made.push_back({*disk.read_file("/srv/w/c"), *disk.read_file("/srv/w/k"), *disk.read_file("/srv/ca/ca.crt")});
    }
    return made;
  }();
  return pairs[static_cast<std::size_t>(number)];
}

std::string view_folder(SimFileSystem& disk) {
  std::string text;
  const std::string folder = "/srv/certs/host.example/";
  for (const char* name : {"cert.pem", "chain.pem", "fullchain.pem", "privkey.pem", "metadata.json", "combined.pem"}) {
    text += std::string(name) + ": " + disk.read_file(folder + name).value_or("none") + "\n";
  }
  text += disk.read_file(folder + "nginx.conf") ? "nginx.conf\n" : "";
  return text + std::to_string(lockstep(disk, {"cert", "verify", "host.example"}).status);
}

const std::vector<std::string> kImportSecond = {"cert",   "import", "--domain", "host.example", "--cert",
                                                "/in/c1", "--key",  "/in/k1",   "--trust",      "/in/root"};

void prepare_inputs(SimFileSystem& disk) {
  disk.make_directories("/srv");
  disk.make_directories("/in");
  for (int i = 0; i < 2; ++i) {
    disk.write_file("/in/c" + std::to_string(i), installed_pair(i).certificate);
    disk.write_file("/in/k" + std::to_string(i), installed_pair(i).key, 0600);
  }
  disk.write_file("/in/root", installed_pair(0).root);
}

CrashScenario cert_import(bool renewal) {
  CrashScenario scenario =
      ca_scenario(renewal ? "cert import over an older one" : "cert import, the first", kImportSecond);
  scenario.prepare = [renewal](SimFileSystem& disk) {
    prepare_inputs(disk);
    if (renewal)
      must(disk, {"cert", "import", "--domain", "host.example", "--cert", "/in/c0", "--key", "/in/k0", "--combined",
                  "--nginx-conf"});
  };
  scenario.view = view_folder;
  return scenario;
}

CrashScenario ca_device_add(bool first) {
  CrashScenario scenario = ca_scenario(first ? "ca device add, the first" : "ca device add, the second",
                                       {"ca", "device", "add", "pump-7", "--bootstrap", "/in/c0"}, "already_exists");
  scenario.prepare = [first](SimFileSystem& disk) {
    prepare_ca(disk);
    for (const int i : {0, 1}) disk.write_file("/in/c" + std::to_string(i), installed_pair(i).certificate);
    if (!first) must(disk, {"ca", "device", "add", "pump-8", "--bootstrap", "/in/c1"});
  };
  return scenario;
}

CrashScenario cert_rollback() {
  CrashScenario scenario =
      ca_scenario("cert rollback", {"cert", "rollback", "host.example", "--to", "1"}, "invalid_argument");
  scenario.prepare = [](SimFileSystem& disk) {
    prepare_inputs(disk);
    must(disk, {"cert", "import", "--domain", "host.example", "--cert", "/in/c0", "--key", "/in/k0"});
    must(disk, kImportSecond);
  };
  scenario.view = view_folder;
  // The record of kept generations may list more than it must.
  scenario.change_allowed = [](const std::string& path) { return path.ends_with("/.lockstep/history"); };
  return scenario;
}

CrashScenario adopt_replaced_index() {
  CrashScenario scenario =
      ca_scenario("doctor --adopt of an index that an editor replaced", {"doctor", "--adopt", "/srv/ca"});
  scenario.prepare = [](SimFileSystem& disk) {
    prepare_ca(disk);
    must(disk, {"ca", "sign", "/in/r0", "--jobs", "1"});
    std::string index = *disk.read_file("/srv/ca/index.json");
    const std::string active = R"("status":"active","revoked_at":"","revocation_reason":"")";
    index.replace(index.find(active), active.size(),
                  R"("status":"revoked","revoked_at":"2026-03-01T12:00:00Z","revocation_reason":"superseded")");
    // As editors save: a new file renamed over the name.
    const auto directory = disk.open_directory("/srv/ca");
    ASSERT_TRUE((*directory)->remove_file("index.json"));
    disk.write_file("/srv/ca/index.json", index, 0600);
  };
  // Before and after, the edited file is what readers of the name see; what changes is whether commands accept it.
  scenario.recover = [](SimFileSystem&, std::string*) { return true; };
  scenario.view = [](SimFileSystem& disk) {
    const Finished listed = lockstep(disk, {"ca", "list", "--json", "--status", "revoked"});
    return disk.read_file("/srv/ca/index.json").value_or("none") +
           (listed.out.find("superseded") != std::string::npos ? "adopted" : "not adopted");
  };
  return scenario;
}

class Command : public ::testing::TestWithParam<CrashScenario> {};

TEST_P(Command, SurvivesEveryCrashAndEveryFailingCall) {
  // A command makes and checks signatures in each of thousands of states: the full exploration takes many minutes. The
  // short one crashes at every call too, but in fewer of the states that each crash may leave.
  lockstep::testing::ExplorerOptions options;
  options.limits.exhaustive = deep() ? 96 : 8;
  options.limits.samples = deep() ? 24 : 1;
  options.recovery_depth = deep() ? 1 : 0;
  options.crash_after_faults = deep();
  options.one_fault_in = deep() ? 1 : 7;  // 7 shares no factor with the number of errors of a kind of call
  const ExplorerReport report = explore(GetParam(), options);
  std::cout << report.summary(GetParam().name) << "\n";
  EXPECT_THAT(report.violations, IsEmpty());
  EXPECT_GT(report.crash_states, 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Commands, Command,
    ::testing::Values(ca_init(false), ca_init(true), ca_request(false), ca_request(true),
                      ca_scenario("ca sign of one request", {"ca", "sign", "/in/r0", "--jobs", "1"}),
                      ca_scenario("ca sign of three requests",
                                  {"ca", "sign", "/in/r0", "/in/r1", "/in/r2", "--jobs", "1"}),
                      ca_scenario("ca token create", {"ca", "token", "create", "--name", "pump-7"}),
                      ca_device_add(true), ca_device_add(false), ca_revoke(), ca_crl(true), ca_crl(false),
                      cert_import(false), cert_import(true), cert_rollback(), adopt_replaced_index()),
    [](const auto& info) { return lockstep::testing::test_name(info.param.name); });

}  // namespace
}  // namespace lockstep::cli
