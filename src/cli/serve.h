// The status service as a command runs it: `serve`, and `up`, which brings a CA and a certificate along.
#pragma once

#include <cstdint>
#include <functional>

#include "cli/context.h"
#include "cli/serve_options.h"
#include "http/listening_socket.h"
#include "service/access.h"

namespace lockstep::cli {

struct ServeHooks {
  // It listens: instead of what `serve` says about the token.
  std::function<Status(std::uint16_t port, const service::AccessToken& token)> ready = {};
  // About every two seconds, before it is looked whether there is another certificate to show.
  std::function<void()> upkeep = {};
  // ServeOptions::client_crl need not be there: nothing was revoked yet.
  bool list_may_be_missing = false;
};

// What the command line says, filled up from the configuration file and the defaults.
ServeOptions filled_up(ServeOptions options, const ServeOptions& file);

// On a socket of filled_up()'s address, until a signal ends it; the exit status. `options` are those of the command
// line: at a reload they are filled up again.
Result<int> serve(Context& context, http::ListeningSocket socket, const ServeOptions& options,
                  const ServeHooks& hooks = {});

}  // namespace lockstep::cli
