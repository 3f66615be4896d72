// The process's descriptors and settings, behind the interfaces that commands use.
#pragma once

#include "cli/environment.h"

namespace lockstep::cli {

class DescriptorOutput : public Output {
 public:
  explicit DescriptorOutput(int descriptor) : descriptor_(descriptor) {}
  Status write(std::string_view text) override;
  [[nodiscard]] bool is_terminal() const override;
  [[nodiscard]] TerminalSize terminal_size() const override;

 private:
  int descriptor_;
};

// Before anything else: a reader that went away must be an error, not a death; files are private unless asked
// otherwise; OpenSSL is kept from reading its system-wide configuration, which decides nothing here and costs
// milliseconds.
void prepare_process();

// From now on SIGTERM and SIGINT set the first flag and SIGHUP the second, instead of ending the process: for commands
// that come to an end by themselves.
void catch_signals();
std::atomic<bool>* stop_flag();
std::atomic<bool>* reload_flag();

// systemd's notification protocol (sd_notify(3)); nothing without $NOTIFY_SOCKET.
void notify_service_manager(const std::string& state);

}  // namespace lockstep::cli
