// What the tests of the solvers share: tasks, and a port that is free.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "acme/solver.h"
#include "http/server.h"
#include "testing/machine.h"

namespace lockstep::acme {

inline ChallengeTask make_task(const std::string& token = "tokEN-_1") {
  return {.type = IdentifierType::dns,
          .identifier = "example.com",
          .token = token,
          .key_authorization = token + ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"};
}

// A port of the loopback that was free a moment ago.
inline std::string free_port() {
  const auto probe =
      http::Server::listen("127.0.0.1:0", [](const http::ServerRequest&) { return http::ServerResponse{}; });
  EXPECT_TRUE(probe);
  return std::to_string((*probe)->port());
}

using testing::Machine;

}  // namespace lockstep::acme
