// The store of the service's configuration on a simulated disk, for tests.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "service/configuration_store.h"
#include "testing/machine.h"
#include "testing/sim_file_system.h"

namespace lockstep::service {

inline constexpr const char* kTestDirectory = "/data/service";
inline constexpr const char* kTestServers = "/data/service/servers.json";
inline constexpr const char* kTestLayout = "/data/service/dashboard-layout.json";

using TestJson = nlohmann::ordered_json;

inline TestJson server_body(const std::string& name) { return {{"name", name}, {"dnsAddress", "www.example.com"}}; }

// Two servers, both in one of two groups.
inline void prepare_configuration(testing::SimFileSystem& disk) {
  disk.make_directories(kTestDirectory, 0700);
  disk.write_file(kTestServers, R"([
  {"id": "server-001", "name": "Web", "ip": "192.0.2.1", "note": "kept"},
  {"id": "server-002", "name": "Mail", "dnsAddress": "mail.example.com", "port": 465}
]
)",
                  0640);
  disk.write_file(kTestLayout, R"({
  "theme": "dark",
  "groups": [
    {"id": "group-1", "name": "Front", "order": 1, "serverIds": ["server-001", "server-002"], "rowNumber": 1, "rowOrder": 1},
    {"id": "group-2", "name": "Back", "order": 2, "serverIds": ["server-002"], "rowNumber": 2, "rowOrder": 1, "x": [1]}
  ]
}
)",
                  0644);
}

struct OpenedStore {
  explicit OpenedStore(fs::FileSystem& disk) : machine(disk) {}
  Status open(StoreObserver observer = {}) {
    auto opened = ConfigurationStore::open(machine.runtime, kTestDirectory, std::move(observer));
    if (!opened) return fail(opened.error());
    store = std::move(*opened);
    return {};
  }
  testing::Machine machine;
  std::unique_ptr<ConfigurationStore> store;
};

}  // namespace lockstep::service
