// Many devices in one process, each with a store of its own, for tests/device_fleet_test.py:
//
//   device_fleet TOP SERVER CA TOKENS THREADS enroll|renew
//
// TOKENS has a line "NAME TOKEN" for each device. A device that fails tries again until it succeeds, as an agent would,
// only without the pauses. Each one's line when it is done: name, live serial, milliseconds of all its tries, tries.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <mutex>
#include <thread>
#include <vector>

#include "base/system.h"
#include "device/rotation.h"
#include "fs/posix_file_system.h"

namespace {

using lockstep::Result;
using lockstep::Status;
namespace device = lockstep::device;

constexpr int kMostTries = 2000;
constexpr std::chrono::milliseconds kPause{50};

struct Fleet {
  std::string top, server, ca;
  bool enroll = false;
  lockstep::fs::PosixFileSystem files;
  lockstep::SystemClock clock;
  std::mutex output;
};

struct Member {
  std::string name, token;
};

Result<std::string> bring_up_to_date(Fleet& fleet, const Member& member, int* tries) {
  const std::string home = fleet.top + "/" + member.name;
  lockstep::SystemRandom random;
  lockstep::durable::Runtime runtime{fleet.files, fleet.clock, random};
  device::DeviceSettings settings;
  settings.name = member.name;
  settings.directory = home + "/identity";
  settings.ca = fleet.ca;
  settings.server = fleet.server;
  const auto storage = device::make_storage(runtime, settings);
  const auto make_client = [&](std::shared_ptr<const lockstep::http::ClientIdentity> identity) {
    return lockstep::http::make_client(
        {.user_agent = "device_fleet", .identity = std::move(identity), .ca_bundle = fleet.ca});
  };
  const auto issuer = device::make_private_ca_issuer(make_client, fleet.clock, fleet.server);
  device::RotationTools tools{runtime, home, *storage, *issuer, [](const std::string&, const std::string&) {}};
  const device::RotationOptions options{.force = !fleet.enroll, .enroll = fleet.enroll, .token = member.token};
  const auto serial = [&]() -> Result<std::string> {
    const auto live = TRY(storage->load());
    if (!live) return std::string();
    const auto leaf = TRY(device::leaf_of(live->certificate_pem, "it"));
    return leaf.serial;
  };
  const std::string before = TRY(serial());
  for (*tries = 1;; ++*tries) {
    const auto report = device::rotate(tools, settings, options);
    const std::string after = TRY(serial());
    if (after != before) return after;
    if (*tries == kMostTries) return lockstep::fail(report.error());
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) return 2;
  Fleet fleet;
  fleet.top = argv[1];
  fleet.server = argv[2];
  fleet.ca = argv[3];
  fleet.enroll = std::string(argv[6]) == "enroll";
  std::vector<Member> members;
  std::ifstream tokens(argv[4]);
  for (Member member; tokens >> member.name >> member.token;) members.push_back(member);
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < std::atoi(argv[5]); ++i) {
      threads.emplace_back([&] {
        for (std::size_t mine = next++; mine < members.size(); mine = next++) {
          const auto began = fleet.clock.monotonic();
          int tries = 0;
          const auto serial = bring_up_to_date(fleet, members[mine], &tries);
          const auto spent = (fleet.clock.monotonic() - began).count();
          const std::lock_guard lock(fleet.output);
          if (!serial) {
            failed = true;
            std::cerr << members[mine].name << ": " << serial.error().message << "\n";
            continue;
          }
          std::cout << members[mine].name << " " << *serial << " " << spent << " " << tries << std::endl;
        }
      });
    }
  }
  return failed ? 1 : 0;
}
