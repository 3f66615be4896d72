// One edit of the status service's configuration and nothing else, in one thread, for the sweep of system calls: what
// `lockstep serve` does for a request that changes something, between its reading and its answer.
//
//   service_edit_driver DIRECTORY (post-server|put-server|delete-server|post-group|put-group|delete-group) ID
//
// The result is printed as the program prints its own: a document on stdout, {"error":…} for a failure.
#include <functional>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "base/system.h"
#include "fs/posix_file_system.h"
#include "service/configuration_store.h"

namespace {

using lockstep::Error;
using Json = nlohmann::ordered_json;
using namespace lockstep::service;

int report(const Error& error) {
  std::cout << Json{{"error", {{"code", lockstep::error_code_name(error.code)}, {"message", error.message}}}}.dump()
            << std::endl;
  return 1;
}

template <class Item>
std::string tag(const Item* item) {
  return item == nullptr ? std::string() : entity_tag(*item);
}

EditResult edit(const std::string& what, const std::string& id, const Configuration& before) {
  const Json server = {{"id", id}, {"name", "Edited"}, {"ip", "192.0.2.9"}};
  const Json group = {{"id", id}, {"name", "Edited"}};
  if (what == "post-server") return create_server(before, server);
  if (what == "put-server") return replace_server(before, id, tag(before.server(id)), server);
  if (what == "delete-server") return delete_server(before, id, tag(before.server(id)));
  if (what == "post-group") return create_group(before, group);
  if (what == "put-group") return replace_group(before, id, tag(before.group(id)), group);
  return delete_group(before, id, tag(before.group(id)), Reassign::default_group);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) return 2;
  lockstep::fs::PosixFileSystem files;
  lockstep::SystemClock clock;
  lockstep::SystemRandom random;
  lockstep::durable::Runtime runtime{files, clock, random};
  auto store = ConfigurationStore::open(runtime, arguments[1], {});
  if (!store) return report(store.error());
  const auto saved =
      (*store)->apply([&](const Configuration& before) { return edit(arguments[2], arguments[3], before); });
  if (!saved) return report(saved.error());
  if (saved->uncertain) return report(*saved->uncertain);
  if (saved->refused) return report({lockstep::ErrorCode::invalid_argument, saved->refused->error, "", 0});
  std::cout << saved->applied.data << std::endl;
  if (std::cout) return 0;
  std::cerr << "Error: the edit is saved, but its answer could not be printed" << std::endl;
  return 1;
}
