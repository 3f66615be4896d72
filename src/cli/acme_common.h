// What the commands that talk to an ACME CA share: the options that say which CA and how, and the run's surroundings.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/renewal.h"
#include "cli/context.h"
#include "cli/progress_board.h"

namespace lockstep::cli {

inline constexpr const char* kDefaultServer = "letsencrypt";

// Which CA, and who asks it.
struct AccountOptions {
  std::string server;
  std::string ca_bundle;
  bool insecure_http = false;
  std::vector<std::string> emails;
  bool agree_tos = false;
  std::string eab_key_id;
  std::string eab_hmac_file;
  std::string timeout;
};
void add_server_options(CLI::App& command, AccountOptions* options);
void add_account_options(CLI::App& command, AccountOptions* options);
void add_timeout_option(CLI::App& command, std::string* timeout);

// Everything that a run needs of the world, wired to the context. Lives as long as the command.
class AcmeRun : public agent::RenewalObserver {
 public:
  // Errors: usage for options that contradict each other; internal without a network.
  static Result<std::unique_ptr<AcmeRun>> make(Context& context, const AccountOptions& options);

  [[nodiscard]] agent::Toolbox& toolbox() { return *toolbox_; }
  [[nodiscard]] agent::Surroundings& surroundings() { return *surroundings_; }
  // The directory's URL of the options, the default without one.
  [[nodiscard]] const std::string& server() const { return server_; }
  Result<agent::Authority*> authority();

  void begun(std::size_t certificates) override;
  void started(const std::string& domain) override;
  void finished(const agent::DomainReport& report) override;

 private:
  explicit AcmeRun(Context& context) : context_(context) {}
  void say(const std::string& domain, const std::string& what);
  void show();

  Context& context_;
  std::string server_;
  std::string ca_bundle_;
  bool insecure_http_ = false;
  std::optional<acme::ExternalAccount> external_;
  std::unique_ptr<agent::Surroundings> surroundings_;
  std::unique_ptr<agent::Toolbox> toolbox_;
  std::mutex output_;  // of what is shown
  ProgressBoard board_;
};

// Prints what became of each certificate; the exit status.
Result<int> deliver_reports(Context& context, const std::vector<agent::DomainReport>& reports, bool dry_run,
                            bool exit_code_if_unchanged);

// The domains of a --domain option, or all that have settings or a certificate.
Result<std::vector<agent::Candidate>> stored_candidates(Context& context, const std::vector<std::string>& domains);

}  // namespace lockstep::cli
