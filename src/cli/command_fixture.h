// Whole commands on a simulated disk, for tests: with a clock that stands still and random names that repeat.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/environment.h"
#include "testing/manual_clock.h"
#include "testing/sim_file_system.h"

namespace lockstep::cli {

class TextOutput : public Output {
 public:
  Status write(std::string_view bytes) override {
    text.append(bytes);
    return {};
  }
  std::string text;
};

struct Finished {
  int status = 0;
  std::string out;
  std::string err;
};

// What a command meets beside the disk.
struct Surroundings {
  std::uint64_t seed = 11;  // of its random names
  fs::ProgramRunner* programs = nullptr;
  std::function<Result<std::unique_ptr<http::Client>>(http::ClientOptions)> make_client;
};

inline Finished lockstep(testing::SimFileSystem& disk, const std::vector<std::string>& arguments,
                         const Surroundings& surroundings = {}) {
  testing::ManualClock clock;
  testing::SeededRandom random{surroundings.seed};
  TextOutput out;
  TextOutput err;
  Environment environment{disk, clock, random, out, err, [](const std::string& name) -> std::optional<std::string> {
                            if (name == "CA_DATA_DIR") return "/srv/ca";
                            if (name == "LOCKSTEP_PATH") return "/srv";
                            return std::nullopt;
                          }};
  environment.programs = surroundings.programs;
  environment.make_client = surroundings.make_client;
  Finished finished;
  finished.status = run(arguments, environment);
  finished.out = out.text;
  finished.err = err.text;
  return finished;
}

inline void must(testing::SimFileSystem& disk, const std::vector<std::string>& arguments) {
  const Finished finished = lockstep(disk, arguments);
  ASSERT_EQ(finished.status, 0) << finished.err;
}

}  // namespace lockstep::cli
