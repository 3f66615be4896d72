// atomic_write TARGET: replaces TARGET with what stdin holds, by the atomic file; an error goes to stdout as JSON. The
// rigs' workload for that tool.
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/system.h"
#include "durable/atomic_file.h"
#include "fs/posix_file_system.h"

int main(int count, char** words) {
  if (count != 2) {
    std::cerr << "usage: atomic_write TARGET <CONTENT\n";
    return 2;
  }
  lockstep::fs::PosixFileSystem files;
  lockstep::SystemClock clock;
  lockstep::SystemRandom random;
  lockstep::durable::Runtime runtime{files, clock, random};
  const std::string content{std::istreambuf_iterator<char>(std::cin), {}};
  const lockstep::Status written = lockstep::durable::atomic_write_bytes(runtime, words[1], content);
  if (written) return 0;
  std::cout << nlohmann::json{{"error",
                               {{"code", lockstep::error_code_name(written.error().code)},
                                {"message", written.error().message}}}}
            << "\n";
  return 1;
}
