// swap_folder ROOT DOMAIN DAY CHAIN_A CERT_A KEY_A CHAIN_B CERT_B KEY_B: installs the two sets in turn as fast as it
// goes until its standard input ends, then prints the number of swaps, microseconds a swap and the generations that are
// kept, as one line of JSON. A line "swapping" says when the folder is there.
//
// It is the product's own import without the start of a process. Its clock makes a day of DAY seconds: the rule that
// keeps a replaced generation for 24 hours then lets thousands of them come and go while somebody reads.
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "base/system.h"
#include "certstore/certificate_folder.h"
#include "fs/io.h"
#include "fs/posix_file_system.h"

namespace {

using namespace lockstep;

constexpr std::size_t kInputLimit = 1U << 20U;

class ShortDays : public SystemClock {
 public:
  explicit ShortDays(double day) : speed_(24 * 3600 / day), wall_(SystemClock::now()), begin_(monotonic()) {}
  UnixSeconds now() override {
    const double elapsed = std::chrono::duration<double>(monotonic() - begin_).count();
    return wall_ + static_cast<UnixSeconds>(elapsed * speed_);
  }

 private:
  double speed_;
  UnixSeconds wall_;
  std::chrono::milliseconds begin_;
};

Result<certstore::CertificateSet> read_set(fs::FileSystem& files, char** words) {
  const std::string chain = TRY(fs::read_input(files, words[0], kInputLimit));
  const std::string certificate = TRY(fs::read_input(files, words[1], kInputLimit));
  const std::string key = TRY(fs::read_input(files, words[2], kInputLimit));
  return certstore::parse_set({.certificate_pem = certificate,
                               .certificate_name = words[1],
                               .key_pem = key,
                               .key_name = words[2],
                               .chain_pem = chain,
                               .chain_name = words[0]});
}

// Nobody writes to the standard input: it becomes readable when it ends.
bool told_to_stop() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return ::poll(&input, 1, 0) != 0;
}

Status swap(const std::string& root, const std::string& domain, double day, char** words) {
  fs::PosixFileSystem files;
  ShortDays clock(day);
  SystemRandom random;
  durable::Runtime runtime{files, clock, random};
  const certstore::CertificateSet sets[] = {TRY(read_set(files, words)), TRY(read_set(files, words + 3))};
  std::uint64_t swaps = 0;
  const auto begin = std::chrono::steady_clock::now();
  do {
    const certstore::CertificateSet& set = sets[swaps % 2];
    const auto installed =
        TRY(certstore::install(runtime, root, domain, set, certstore::metadata_of(set.leaf, "swap_folder"),
                               {.combined = false, .nginx_conf = true, .group = {}}));
    if (installed.unchanged) return fail(ErrorCode::internal, "the two sets are the same");
    if (swaps++ == 0) std::cout << "swapping" << std::endl;
  } while (!told_to_stop());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const certstore::InstalledCertificate now = TRY(certstore::load(runtime, root, domain));
  std::cout << nlohmann::ordered_json{{"swaps", swaps},
                                      {"microseconds", seconds * 1e6 / static_cast<double>(swaps)},
                                      {"kept", now.history.size() + 1}}
            << std::endl;
  return {};
}

}  // namespace

int main(int count, char** words) {
  if (count != 10 || std::stod(words[3]) <= 0) {
    std::cerr << "usage: swap_folder ROOT DOMAIN DAY CHAIN_A CERT_A KEY_A CHAIN_B CERT_B KEY_B\n";
    return 2;
  }
  const Status done = swap(words[1], words[2], std::stod(words[3]), words + 4);
  if (done) return 0;
  std::cerr << "swap_folder: " << done.error().message << "\n";
  return 1;
}
