// One certificate, from its settings to the live generation: draft, order, proofs, request, check, commit. Each step is
// durable before the next one needs it, so an interrupted run is gone on with and never begun again where the CA
// counts.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include "acme/order.h"
#include "acme/solver.h"
#include "agent/account_holder.h"
#include "agent/order_journal.h"
#include "agent/settings.h"
#include "certstore/certificate_folder.h"

namespace lockstep::agent {

// What the orders of one run at one CA share. Safe from several threads.
struct ObtainTools {
  durable::Runtime& runtime;
  std::string root;
  acme::Session& session;
  AccountHolder& accounts;
  acme::ChallengeSolver& solver;  // of the settings
  std::function<Result<acme::ChallengeSolver*>(const ChallengeSettings&)> solver_for;
  std::string program;                                                          // "lockstep 0.1.0", for metadata
  std::function<void(const std::string& domain, const std::string& what)> say;  // what is being done
  const std::atomic<bool>* stop = nullptr;  // set: come to an end at the next step; the order is kept
};

struct Obtained;

struct ObtainOptions {
  bool force = false;                  // also when the new certificate lasts no longer than the one there is
  bool dry_run = false;                // nothing is kept of it: no draft, no journal, no certificate
  std::optional<std::uint32_t> group;  // of settings.group
  // Called when the certificate is live and the order's journal still says so: what must not be forgotten is made
  // durable here, and after a crash before its end it is called again. An error leaves the journal for the next run.
  std::function<Status(const Obtained&)> committed;
  // Asked when it is this run's turn and nothing is unfinished: another run may have brought the certificate meanwhile.
  std::function<Result<bool>()> still_wanted;
};

struct Obtained {
  durable::Generation generation = 0;  // 0 for a dry run
  std::string old_serial;              // empty for the first one
  std::string serial;
  UnixSeconds not_after = 0;
  bool resumed = false;            // an order of an earlier run was gone on with
  bool was_finalized = false;      // which had been finalized already: nothing was issued twice
  bool already_installed = false;  // the run before had come to the commit
  bool by_another = false;         // another run brought it while this one waited; nothing else is said
};

// Errors: those of acme::Session, of the solver and of the store. On each of them the folder is as it was; an order
// that can still come to its end is kept for the next run, every other is forgotten and its proofs are taken away.
Result<Obtained> obtain(ObtainTools& tools, const CertificateSettings& settings, const ObtainOptions& options);

// The error of what failed after a certificate went live: committed_not_delivered, saying both.
Error committed(const std::string& what, const Error& error);

// Whether an order of an earlier run waits to be gone on with.
Result<bool> has_unfinished_order(fs::FileSystem& files, const std::string& root, const std::string& domain);

}  // namespace lockstep::agent
