// One device's rotation: carries out what the flow decides, one durable step after the other.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "device/flow.h"
#include "device/issuer.h"
#include "device/situation.h"
#include "device/storage.h"

namespace lockstep::device {

// A structured log event: "renewal_started" and the like, with what there is to say about it.
using Log = std::function<void(const std::string& event, const std::string& text)>;

struct RotationTools {
  durable::Runtime& runtime;
  std::string root;  // below which the state is kept
  IdentityStorage& storage;
  Issuer& issuer;
  Log log;
  const std::atomic<bool>* stop = nullptr;
};

struct RotationOptions {
  bool force = false;   // although nothing is due
  bool enroll = false;  // the first identity, with `token`
  std::string token;
};

// What a run came to.
struct RotationReport {
  bool renewed = false;      // a new identity is live
  bool rolled_back = false;  // it was refused, and the one before is live again
  bool proven = true;        // the issuer accepts what is live, as far as it was asked
  UnixSeconds next = 0;      // when there is something to do again
};

// Recovers what a power cut left, then does everything that is due, at most until the issuer asks to wait. Safe from
// several processes: they wait for each other, and who comes second finds it done. Errors: the failure of a step, which
// has been counted in the state with the moment of the next try; on each of them the device has a whole identity, the
// one that was live before (or, for commit_uncertain and committed_not_delivered, the new one).
Result<RotationReport> rotate(RotationTools& tools, const DeviceSettings& settings, const RotationOptions& options);

// Makes the identity before the live one again. Error: not_found ("nothing to roll back to").
Status roll_back(durable::Runtime& runtime, const std::string& root, IdentityStorage& storage,
                 const DeviceSettings& settings);

}  // namespace lockstep::device
