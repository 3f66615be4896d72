// orders/DOMAIN.json: an order under way, durable from the moment its URL is known, so that whatever interrupts it the
// next run goes on with it instead of placing another. docs/formats/order-journal.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "acme/solver.h"
#include "agent/settings.h"
#include "durable/runtime.h"

namespace lockstep::agent {

struct OrderJournal {
  CertificateSettings settings;
  std::string account_url;
  std::string order_url;
  std::string old_serial;      // of the certificate that was live when it was placed; empty for the first one
  std::string request_sha256;  // of the draft's request: another draft is not this order's
  UnixSeconds placed_at = 0;
  bool finalizing = false;                     // the request was sent, or was about to be
  std::vector<acme::ChallengeTask> presented;  // proofs that may be in their places
};

std::string encode_journal(const OrderJournal& journal);
// Error: damaged.
Result<OrderJournal> parse_journal(std::string_view text, const std::string& name);

Result<std::optional<OrderJournal>> load_journal(fs::FileSystem& files, const std::string& root,
                                                 const std::string& domain);
// All of them, in no order: also those of certificates that there are not yet.
Result<std::vector<OrderJournal>> list_journals(fs::FileSystem& files, const std::string& root);
Status save_journal(durable::Runtime& runtime, const std::string& root, const std::string& domain,
                    const OrderJournal& journal);
Status remove_journal(durable::Runtime& runtime, const std::string& root, const std::string& domain);

// One order for a name at a time, over all processes: a kernel lock on orders/DOMAIN.lock. Error: lock_timeout.
Result<std::unique_ptr<fs::File>> lock_orders(durable::Runtime& runtime, const std::string& root,
                                              const std::string& domain);

}  // namespace lockstep::agent
