// What is known of a device's identity beside the identity itself: an atomic file that survives restarts.
// docs/formats/device-state.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "durable/runtime.h"

namespace lockstep::device {

enum class Phase { normal, expiring_soon, renewing, expired, recovering, renewal_failed };
std::string_view phase_name(Phase phase);

enum class Reason { enroll, proactive, expired };
std::string_view reason_name(Reason reason);

// A request that was written down before it was sent, so that whatever interrupts it the same bytes are sent again.
struct PendingRequest {
  std::string request_pem;
  Reason reason = Reason::proactive;
  std::string replaces;  // serial of the certificate that was live when it was made; empty for the first one
  std::string id;        // as the issuer calls it; empty until it has answered
};

// Where the identity was enrolled, where it is kept and with what kind of key, for commands that are told nothing.
struct Enrolment {
  std::string server, storage, cert, key, ca;
  std::string key_type;  // empty in states that were written before it was kept: the default
  bool operator==(const Enrolment&) const = default;
};

struct DeviceState {
  std::optional<Enrolment> enrolment;
  Phase phase = Phase::normal;
  std::optional<PendingRequest> request;
  // The live identity has not shown yet that it is accepted; the issuer's name of its request, for asking.
  bool unproven = false;
  std::string unproven_id;
  UnixSeconds last_renewed = 0;
  std::uint64_t renewals = 0;    // that went live
  std::uint64_t recoveries = 0;  // of them, after the end of the one before
  std::uint64_t attempts = 0;
  std::uint64_t failures = 0;
  std::uint64_t recovery_attempts = 0;  // of the attempts, those with the bootstrap identity
  std::uint64_t recovery_failures = 0;
  std::uint64_t failed_in_a_row = 0;
  UnixSeconds last_attempt = 0;
  UnixSeconds not_before = 0;  // no try before that; 0: at once
  std::string last_error;      // empty after a success
  std::string last_error_code;
};

std::string encode_state(const DeviceState& state);
// Error: damaged. Unknown fields are ignored.
Result<DeviceState> parse_state(std::string_view text, const std::string& name);

// ROOT/device/NAME.json and .lock.
std::string state_path(const std::string& root, const std::string& name);
// The state of a device that has none yet when there is no file.
Result<DeviceState> load_state(fs::FileSystem& files, const std::string& root, const std::string& name);
Status save_state(durable::Runtime& runtime, const std::string& root, const std::string& name,
                  const DeviceState& state);
// The names of the devices that have a state, sorted.
Result<std::vector<std::string>> list_devices(fs::FileSystem& files, const std::string& root);
// One rotation at a time, over all processes. Error: lock_timeout.
Result<std::unique_ptr<fs::File>> lock_device(durable::Runtime& runtime, const std::string& root,
                                              const std::string& name);

}  // namespace lockstep::device
