// Bringing certificates up to date: is it due, the hooks around it, the order with its tries, and what is remembered of
// all that. One domain's failure never stops another.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/hooks.h"
#include "agent/planner.h"
#include "agent/toolbox.h"

namespace lockstep::agent {

class RenewalObserver;

struct RenewalOptions {
  bool force = false;
  bool dry_run = false;
  unsigned concurrency = 4;
  int tries = 3;  // in one run
  RenewalObserver* observer = nullptr;
};

enum class DomainStatus { renewed, unchanged, failed };

struct DomainReport {
  std::string domain;
  DomainStatus status = DomainStatus::unchanged;
  std::string reason;  // why it was due, or why nothing was done
  std::optional<Obtained> obtained;
  std::optional<Error> error;
  bool hook_repeated = false;  // a deploy hook of an earlier run was repeated
  bool rolled_back = false;
};

// Watches a run: is told from several threads when a certificate's turn comes, and what became of it. What is being
// done for it in between goes to Surroundings::say.
class RenewalObserver {
 public:
  virtual ~RenewalObserver() = default;
  virtual void begun(std::size_t certificates) = 0;
  virtual void started(const std::string& domain) = 0;
  virtual void finished(const DomainReport& report) = 0;
};

// One certificate that may be due.
struct Candidate {
  std::string domain;
  std::optional<CertificateSettings> wanted;  // said now: kept for later renewals when it succeeds
};

// Reads what is known of the certificate and says whether it is due; asks the CA for renewal information when it wants
// to be asked again. Errors: those of reading.
struct Assessment {
  RenewalState state;
  std::optional<CertificateSettings> settings;
  bool exists = false;
  Plan plan;
  bool deploy_pending = false;
  bool unfinished_order = false;
  std::string why_not;  // not due and nothing pending: why
  std::optional<certstore::InstalledLeaf> live;
};
Result<Assessment> assess(durable::Runtime& runtime, const std::string& root, const Candidate& candidate);

// Asks for renewal information when it is time to, and remembers the answer.
Status refresh_renewal_info(Toolbox& toolbox, Assessment* assessment, const std::string& domain);

// All of them, `concurrency` at a time, urgent ones first. The reports are in the candidates' order.
std::vector<DomainReport> renew_all(Toolbox& toolbox, const std::vector<Candidate>& candidates,
                                    const RenewalOptions& options);

// Errors that another try in the same run may mend.
bool is_transient(const Error& error);
// 5 s doubling to 300 s, with up to half of it more at random (`random`: 64 random bits).
std::chrono::milliseconds back_off(int attempt, std::uint64_t random);

}  // namespace lockstep::agent
