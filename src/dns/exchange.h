// One question and its answer over TCP (RFC 1035 section 4.2.2, RFC 7766): never truncated, and not to be forged by
// somebody who only guesses.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace lockstep::dns {

struct ServerAddress {
  std::string host;  // an IP address or a name
  std::string port;
};

// "ADDRESS", "ADDRESS:PORT", "[IPv6]:PORT" or a bare IPv6 address; port 53 unless said. Error: invalid_argument.
Result<ServerAddress> parse_server(const std::string& text);

// `timeout` bounds all of it. Errors: io_error and those of the network, naming the server.
Result<std::string> exchange(Clock& clock, const ServerAddress& server, std::string_view message,
                             std::chrono::milliseconds timeout);

}  // namespace lockstep::dns
