// The real world: files, clock, randomness, standard streams.
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "base/system.h"
#include "cli/environment.h"
#include "cli/system_environment.h"
#include "fs/posix_file_system.h"

int main(int argc, char** argv) {
  using namespace lockstep;
  cli::prepare_process();
  fs::PosixFileSystem files;
  SystemClock clock;
  SystemRandom random;
  fs::PosixProgramRunner programs(clock);
  cli::DescriptorOutput out(1);
  cli::DescriptorOutput err(2);
  cli::Environment environment{files,
                               clock,
                               random,
                               out,
                               err,
                               [](const std::string& name) -> std::optional<std::string> {
                                 const char* value = std::getenv(name.c_str());
                                 return value == nullptr || *value == '\0' ? std::nullopt
                                                                           : std::optional<std::string>(value);
                               },
                               std::max(1U, std::thread::hardware_concurrency()),
                               &programs,
                               http::make_client,
                               {},
                               cli::stop_flag(),
                               cli::reload_flag(),
                               cli::catch_signals,
                               cli::notify_service_manager};
  return cli::run(std::vector<std::string>(argv + 1, argv + argc), environment);
}
