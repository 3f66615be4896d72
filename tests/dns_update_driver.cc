// Puts proofs of dns-01 into a zone and takes them away, for tests/dns_update_test.py:
//
//   dns_update_driver SERVER KEYFILE present|cleanup NAME KEY_AUTHORIZATION
//
// "ok", or the error's code, message and hint a line each and exit 1.
#include <fstream>
#include <iostream>
#include <iterator>

#include "acme/solvers.h"
#include "base/system.h"

namespace {

using lockstep::Error;
using lockstep::Status;

Status drive(const std::string& server, const std::string& file, const std::string& action,
             const lockstep::acme::ChallengeTask& task) {
  std::ifstream input(file);
  const std::string text((std::istreambuf_iterator<char>(input)), std::istreambuf_iterator<char>());
  lockstep::acme::DnsUpdateOptions options;
  options.server = server;
  TRY(lockstep::acme::read_dns_key(text, file, &options));
  lockstep::SystemClock clock;
  const auto solver = TRY(lockstep::acme::make_dns_update(clock, std::move(options)));
  return action == "present" ? solver->present(task) : solver->clean_up(task);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const lockstep::acme::ChallengeTask task{
      .type = lockstep::acme::IdentifierType::dns, .identifier = argv[4], .token = "t", .key_authorization = argv[5]};
  const Status status = drive(argv[1], argv[2], argv[3], task);
  if (status) {
    std::cout << "ok\n";
    return 0;
  }
  const Error& error = status.error();
  std::cout << lockstep::error_code_name(error.code) << "\n" << error.message << "\n" << error.hint << "\n";
  return 1;
}
