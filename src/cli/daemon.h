// What the commands share that run until they are stopped.
#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "cli/context.h"
#include "http/listening_socket.h"

namespace lockstep::cli {

// --listen, bound: a command that makes other things first knows then that the address is its own. Errors: usage for
// one that no machine could have; those of http::ListeningSocket::open().
inline Result<http::ListeningSocket> open_listener(const std::string& address) {
  auto socket = http::ListeningSocket::open(address);
  if (socket) return socket;
  Error error = std::move(socket).error().with_context("--listen");
  if (error.code == ErrorCode::invalid_argument) error.code = ErrorCode::usage;
  return fail(std::move(error));
}

class Daemon {
 protected:
  explicit Daemon(Context& context) : context_(context) {}

  Context& context() { return context_; }
  Clock& clock() { return context_.environment().clock; }

  // From here on SIGTERM, SIGINT and SIGHUP are asked about below instead of ending the process.
  void catch_signals() {
    if (context_.environment().catch_signals) context_.environment().catch_signals();
  }
  bool stopped() {
    const std::atomic<bool>* stop = context_.environment().stop;
    return stop != nullptr && stop->load();
  }
  // Once for each SIGHUP.
  bool reload_asked() {
    std::atomic<bool>* reload = context_.environment().reload;
    return reload != nullptr && reload->exchange(false);
  }

  // systemd's notifications (sd_notify(3)).
  void notify(const std::string& state) {
    if (context_.environment().notify) context_.environment().notify(state);
  }
  // systemd orders this and the READY=1 that ends the reload by the time.
  void notify_reloading() {
    notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(clock().monotonic().count() * 1000));
  }

  // A message of any thread.
  void say(bool warning, const std::string& text) {
    const std::lock_guard lock(output_);
    if (warning)
      context_.warn(text);
    else
      context_.notice(text);
  }

 private:
  Context& context_;
  std::mutex output_;
};

}  // namespace lockstep::cli
