// state/DOMAIN.json: what is known of a certificate's renewal beside the certificate itself. It changes without a new
// certificate, so it is an atomic file of its own. docs/formats/renewal-state.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/settings.h"
#include "durable/generation_store.h"
#include "durable/runtime.h"

namespace lockstep::agent {

// Renewal information (RFC 9773) of one certificate, and the moment that was chosen in its window.
struct ChosenMoment {
  std::string serial;     // of the certificate that it is about
  UnixSeconds start = 0;  // of the window; not before the end: the server names none
  UnixSeconds end = 0;
  UnixSeconds moment = 0;     // uniformly random in the window, kept until the window changes
  UnixSeconds ask_again = 0;  // when the server wants to be asked next
  std::string explanation_url;
};

// A deploy hook that is still to succeed for what is live.
struct PendingDeploy {
  durable::Generation generation = 0;
  std::string old_serial;
  std::string new_serial;
};

struct HookOutcome {
  UnixSeconds at = 0;
  bool succeeded = false;
  std::string program;
  std::string result;  // how it ended
  std::string output;  // its last lines
};

struct Attempts {
  std::uint64_t total = 0;
  std::uint64_t failed_in_a_row = 0;
  UnixSeconds last = 0;
  UnixSeconds not_before = 0;  // a CA that limits, or our own back-off
  std::string last_error;      // empty after a success
  std::string last_error_code;
};

struct RenewalState {
  std::optional<CertificateSettings> settings;  // none for a certificate that was imported
  std::optional<ChosenMoment> ari;
  std::optional<PendingDeploy> deploy;
  std::optional<HookOutcome> last_hook;
  Attempts attempts;
};

std::string encode_state(const RenewalState& state);
// Error: damaged. Unknown fields are ignored.
Result<RenewalState> parse_state(std::string_view text, const std::string& name);

// ROOT/state/FOLDER.json.
std::string state_path(const std::string& root, const std::string& domain);
// An empty state when there is no file.
Result<RenewalState> load_state(fs::FileSystem& files, const std::string& root, const std::string& domain);
Status save_state(durable::Runtime& runtime, const std::string& root, const std::string& domain,
                  const RenewalState& state);

}  // namespace lockstep::agent
