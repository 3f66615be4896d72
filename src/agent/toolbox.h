// What orders of one run share: one session and one account for each CA, one solver for each way of proving. Made when
// first asked for; safe from several threads.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "agent/obtain.h"
#include "fs/program.h"
#include "http/client.h"

namespace lockstep::agent {

// How the run reaches the world; the command line fills it with the real things, tests with scripted ones.
struct Surroundings {
  durable::Runtime runtime;
  std::string root;
  fs::ProgramRunner& programs;
  std::function<Result<std::unique_ptr<http::Client>>(http::ClientOptions)> make_client;
  std::function<Result<std::unique_ptr<acme::ChallengeSolver>>(const ChallengeSettings&)> make_solver;
  std::function<Result<std::optional<std::uint32_t>>(const std::string& group)> find_group;
  std::string program;  // "lockstep 0.1.0"
  std::function<void(const std::string& domain, const std::string& what)> say;
  const std::atomic<bool>* stop = nullptr;
  std::chrono::milliseconds timeout{30'000};  // of each exchange with a CA
};

// One CA as a run sees it.
struct Authority {
  std::unique_ptr<http::Client> client;
  std::unique_ptr<acme::Session> session;
  std::unique_ptr<AccountHolder> accounts;
  // It did not answer when asked for renewal information: the run's other certificates do not wait for it as well.
  std::unique_ptr<std::atomic<bool>> silent = std::make_unique<std::atomic<bool>>(false);
};

class Toolbox {
 public:
  Toolbox(Surroundings& surroundings, AccountWish wish) : surroundings_(surroundings), wish_(std::move(wish)) {}

  // Errors: invalid_argument for a server that may not be used, those of making a client.
  Result<Authority*> authority(const std::string& server, const std::string& ca_bundle, bool insecure_http);
  // Errors: those of making the solver: a port that is taken, a directory that is missing.
  Result<acme::ChallengeSolver*> solver(const ChallengeSettings& settings);
  Result<ObtainTools> tools(const CertificateSettings& settings);

  [[nodiscard]] Surroundings& surroundings() { return surroundings_; }

 private:
  Surroundings& surroundings_;
  AccountWish wish_;
  std::mutex mutex_;
  std::map<std::string, Authority> authorities_;
  std::map<std::string, std::unique_ptr<acme::ChallengeSolver>> solvers_;
};

// The solver that the settings ask for, of the real kinds. A key file is read through `runtime`.
Result<std::unique_ptr<acme::ChallengeSolver>> make_solver(durable::Runtime& runtime, fs::ProgramRunner& programs,
                                                           const ChallengeSettings& settings);

}  // namespace lockstep::agent
