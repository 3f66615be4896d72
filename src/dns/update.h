// Dynamic updates of TXT records (RFC 2136), signed with TSIG (RFC 8945).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "dns/exchange.h"
#include "dns/message.h"
#include "dns/tsig_key.h"

namespace lockstep::dns {

// What is needed to change records at one primary name server. Safe from several threads.
class Updater {
 public:
  // `timeout` bounds each exchange.
  Updater(Clock& clock, ServerAddress server, TsigKey key, std::chrono::milliseconds timeout)
      : clock_(clock), server_(std::move(server)), key_(std::move(key)), timeout_(timeout) {}

  // Adds one value to the TXT records of a name, or takes exactly that one away; other values of the name stay. The
  // zone is asked for at the server, and an alias (CNAME) at the name is followed there. Doing either again changes
  // nothing. Errors: those of the network; not_found when the server has no zone for the name; permission_denied;
  // untrusted for an answer that is not properly signed.
  Status add_txt(const std::string& name, const std::string& value);
  Status remove_txt(const std::string& name, const std::string& value);

 private:
  struct Place;
  Status change(const std::string& name, const std::string& value, TxtChange change);
  Result<Place> find(std::string name);
  Result<std::string> find_zone(const std::string& name, std::string* alias);
  Result<std::string> ask(std::string_view message);

  Clock& clock_;
  const ServerAddress server_;
  const TsigKey key_;
  const std::chrono::milliseconds timeout_;
  // Tells exchanges apart in a log. Each has a connection of its own and is signed: it need not be hard to guess.
  std::atomic<std::uint16_t> next_id_ = 1;
};

}  // namespace lockstep::dns
