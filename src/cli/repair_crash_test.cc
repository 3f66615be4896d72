// Repair on the strict simulation: cut off at every call, failed at every call. Whatever that leaves, the next repair
// ends in the same whole store, and nothing that was good is lost on the way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <set>

#include "cli/command_fixture.h"
#include "fs/io.h"
#include "testing/crash_explorer.h"
#include "testing/effort.h"

namespace lockstep::cli {
namespace {

using lockstep::testing::CrashScenario;
using lockstep::testing::deep;
using lockstep::testing::explore;
using lockstep::testing::ExplorerReport;
using lockstep::testing::RunOutcome;
using lockstep::testing::SimFileSystem;
using ::testing::IsEmpty;

const std::string kCa = "/srv/ca";
const std::string kFolder = "/srv/certs/host.example";

// A CA of four generations and a folder of three, made once: keys and signatures are the same in every run.
const lockstep::testing::SimImage& made_once() {
  static const lockstep::testing::SimImage image = [] {
    SimFileSystem disk;
    disk.make_directories("/srv");
    disk.make_directories("/in");
    must(disk, {"ca", "init", "--subject", "CN=Root"});
    for (const std::string name : {"/in/0", "/in/1", "/in/2"}) {
      must(disk, {"ca", "request", "--subject", "CN=host.example", "--san", "DNS:host.example", "--out-key",
                  name + ".key", "--out-csr", name + ".csr"});
      must(disk, {"ca", "sign", name + ".csr", "--out", name + ".crt", "--jobs", "1"});
      must(disk, {"cert", "import", "--domain", "host.example", "--cert", name + ".crt", "--key", name + ".key",
                  "--combined"});
      if (name == "/in/1") must(disk, {"ca", "revoke", "2"});
    }
    must(disk, {"ca", "crl"});
    must(disk, {"ca", "revoke", "3"});
    return disk.image();
  }();
  return image;
}

void copy_tree(SimFileSystem& disk) {
  const SimFileSystem made(made_once());
  for (const auto& [path, entry] : made.dump()) {
    if (path == "/" || path.ends_with(".tmp")) continue;
    if (entry.type == fs::FileType::directory) disk.make_directories(path, entry.attributes.mode);
    if (entry.type == fs::FileType::regular) disk.write_file(path, entry.content, entry.attributes.mode);
    if (entry.type == fs::FileType::symlink) disk.make_symlink(entry.content, path);
  }
}

// The generation in use, and its member.
std::string in_use(SimFileSystem& disk, const std::string& store, const std::string& member) {
  const auto control = disk.open_directory(store + "/.lockstep");
  return store + "/.lockstep/" + (*control)->read_symlink("current").value() + "/" + member;
}

std::string in_kept(SimFileSystem& disk, const std::string& store, const std::string& member) {
  std::string newest;
  const std::string live = in_use(disk, store, member);
  for (const auto& [path, entry] : disk.dump()) {
    if (path.starts_with(store + "/.lockstep/gen-") && path.ends_with("/" + member) && path != live) newest = path;
  }
  return newest;
}

void remove(SimFileSystem& disk, const std::string& path) {
  const fs::SplitPath split = fs::split_path(path);
  const auto directory = disk.open_directory(split.parent);
  ASSERT_TRUE((*directory)->remove_file(split.name));
}

bool repaired(SimFileSystem& disk, const std::string& store) { return lockstep(disk, {"doctor", store}).status == 0; }

// What a repair owes, in words that do not depend on how often it was tried: the CA's list with its revocations, that
// the counters did not fall behind, and that the doctor is content.
std::string view_ca(SimFileSystem& disk) {
  if (!repaired(disk, kCa)) return "damaged";
  const std::string serial = disk.read_file(kCa + "/serial").value_or("none");
  const std::string number = disk.read_file(kCa + "/crlnumber").value_or("none");
  return lockstep(disk, {"ca", "list", "--json"}).out + (serial.size() > 3 || serial >= "05\n" ? "forward" : "back") +
         (number >= "02\n" ? "forward" : "back") + (disk.read_file(kCa + "/ca.crl") ? "crl" : "no crl");
}

std::string view_folder(SimFileSystem& disk) {
  if (!repaired(disk, kFolder)) return "damaged";
  std::string text = std::to_string(lockstep(disk, {"cert", "verify", "host.example"}).status);
  for (const char* name : {"cert.pem", "chain.pem", "fullchain.pem", "privkey.pem", "combined.pem"})
    text += disk.read_file(kFolder + "/" + name).value_or("none");
  return text;
}

struct Damage {
  std::string name;
  std::string store;
  std::function<void(SimFileSystem&)> act;

  // For GoogleTest's messages.
  friend std::ostream& operator<<(std::ostream& out, const Damage& damage) { return out << damage.name; }
};

// Every content that is there when the repair begins is there at its end, wherever it is.
std::string lost(const std::set<std::string>& contents, SimFileSystem& disk) {
  std::set<std::string> left;
  for (const auto& [path, entry] : disk.dump()) left.insert(entry.content);
  for (const std::string& content : contents) {
    if (!left.contains(content)) return "a file that was there is lost: " + content.substr(0, 60);
  }
  return {};
}

CrashScenario scenario_of(const Damage& damage) {
  CrashScenario scenario;
  scenario.name = "repair of " + damage.name;
  const auto contents = std::make_shared<std::set<std::string>>();
  scenario.prepare = [damage, contents](SimFileSystem& disk) {
    copy_tree(disk);
    damage.act(disk);
    for (const auto& [path, entry] : disk.dump()) {
      // A whole record of generations may be another after any commit.
      const bool record = path.ends_with("/.lockstep/history") && entry.content.starts_with("{");
      if (path.starts_with(damage.store) && entry.type == fs::FileType::regular && !record)
        contents->insert(entry.content);
    }
  };
  scenario.run = [damage](SimFileSystem& disk) {
    const Finished finished = lockstep(disk, {"doctor", "--repair", damage.store, "--json"});
    if (finished.status == 0) return RunOutcome::success;
    const bool uncertain = finished.out.find("commit_uncertain") != std::string::npos;
    return uncertain ? RunOutcome::commit_uncertain : RunOutcome::failure;
  };
  scenario.recover = [damage](SimFileSystem& disk, std::string* why) {
    const Finished finished = lockstep(disk, {"doctor", "--repair", damage.store});
    // What a cut-off repair left beside a whole store goes as all left-overs do.
    const Finished recovered = lockstep(disk, {"recover", damage.store});
    *why = finished.out + finished.err + recovered.err;
    return finished.status == 0 && recovered.status == 0;
  };
  scenario.view = damage.store == kCa ? view_ca : view_folder;
  scenario.checks = {[contents](SimFileSystem& disk) { return lost(*contents, disk); }};
  scenario.starts_after_crash = true;  // a repair that fails may have set something aside before
  return scenario;
}

Damage overwritten(const std::string& store, const std::string& member, const std::string& text) {
  return {"a damaged " + member + " in " + store, store,
          [=](SimFileSystem& disk) { disk.write_file(in_use(disk, store, member), text, 0600); }};
}

Damage missing(const std::string& store, const std::string& member) {
  return {"a missing " + member + " in " + store, store,
          [=](SimFileSystem& disk) { remove(disk, in_use(disk, store, member)); }};
}

Damage pointer(const std::string& what, const std::string& store,
               const std::function<void(SimFileSystem&, const std::string&)>& put) {
  return {what + " of " + store, store, [=](SimFileSystem& disk) {
            remove(disk, store + "/.lockstep/current");
            if (put) put(disk, store + "/.lockstep/current");
          }};
}

std::vector<Damage> of_both(const std::string& store, const std::string& member) {
  const std::string control = store + "/.lockstep/";
  return {
      overwritten(store, "manifest.json", "{"),
      missing(store, "manifest.json"),
      pointer("a lost pointer", store, {}),
      pointer("a dangling pointer", store, [](auto& disk, const auto& at) { disk.make_symlink("gen-00000042", at); }),
      pointer("a pointer outside", store, [](auto& disk, const auto& at) { disk.make_symlink("/in", at); }),
      pointer("a file for a pointer", store, [](auto& disk, const auto& at) { disk.write_file(at, "mine"); }),
      pointer("a directory for a pointer", store,
              [](auto& disk, const auto& at) {
                disk.make_directories(at);
                disk.write_file(at + "/file", "mine too");
              }),
      {"a damaged record of " + store, store,
       [=](SimFileSystem& disk) { disk.write_file(control + "history", "junk"); }},
      {"a pending pointer that dangles in " + store, store,
       [=](SimFileSystem& disk) { disk.make_symlink("gen-00000042", control + "pending"); }},
      {"a damaged kept generation of " + store, store,
       [=](SimFileSystem& disk) { disk.write_file(in_kept(disk, store, member), "junk of old"); }},
      {"a link elsewhere in " + store, store,
       [=](SimFileSystem& disk) {
         remove(disk, store + "/" + member);
         disk.make_symlink("/in/0.key", store + "/" + member);
       }},
  };
}

std::vector<Damage> all() {
  std::vector<Damage> damages = of_both(kCa, "serial");
  const std::vector<Damage> folder = of_both(kFolder, "cert.pem");
  damages.insert(damages.end(), folder.begin(), folder.end());
  damages.push_back(overwritten(kCa, "index.json", ""));
  damages.push_back(overwritten(kCa, "serial", "junk"));
  damages.push_back(overwritten(kCa, "ca.crl", "junk"));
  damages.push_back(missing(kCa, "ca.key"));
  damages.push_back({"a key and an index in two generations", kCa, [](SimFileSystem& disk) {
                       disk.write_file(in_use(disk, kCa, "ca.key"), "no key", 0600);
                       disk.write_file(in_kept(disk, kCa, "index.json"), "no index", 0600);
                     }});
  damages.push_back({"a foreign file in certs", kCa,
                     [](SimFileSystem& disk) { disk.write_file(kCa + "/certs/01.pem", "no certificate"); }});
  damages.push_back(overwritten(kFolder, "privkey.pem", "no key"));
  damages.push_back(overwritten(kFolder, "metadata.json", "{}"));
  damages.push_back(missing(kFolder, "chain.pem"));
  damages.push_back({"a lost pair", kFolder, [](SimFileSystem& disk) {
                       for (const char* name : {"privkey.pem", "combined.pem"})
                         disk.write_file(in_use(disk, kFolder, name), "no key", 0600);
                     }});
  damages.push_back({"an open key", kFolder, [](SimFileSystem& disk) {
                       const std::string path = in_use(disk, kFolder, "privkey.pem");
                       disk.write_file(path, *disk.read_file(path), 0644);
                     }});
  return damages;
}

class Repair : public ::testing::TestWithParam<Damage> {};

TEST_P(Repair, EndsInTheSameWholeStoreWhereverItIsCutOff) {
  lockstep::testing::ExplorerOptions options;
  options.limits.exhaustive = deep() ? 64 : 4;
  options.limits.samples = deep() ? 16 : 1;
  options.recovery_depth = deep() ? 1 : 0;
  options.crash_after_faults = false;
  options.one_fault_in = deep() ? 1 : 41;  // shares no factor with the number of errors of a kind of call
  const ExplorerReport report = explore(scenario_of(GetParam()), options);
  std::cout << report.summary(GetParam().name) << "\n";
  EXPECT_THAT(report.violations, IsEmpty());
  EXPECT_GT(report.crash_states, 1U);
}

std::string test_name(const ::testing::TestParamInfo<Damage>& info) {
  return lockstep::testing::test_name(info.param.name) + std::to_string(info.index);
}

INSTANTIATE_TEST_SUITE_P(Damages, Repair, ::testing::ValuesIn(all()), test_name);

}  // namespace
}  // namespace lockstep::cli
