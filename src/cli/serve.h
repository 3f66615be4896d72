// The status service as a command runs it: `serve`, and `up`, which brings a CA and a certificate along.
#pragma once

#include <cstdint>
#include <functional>

#include "cli/context.h"
#include "cli/serve_options.h"
#include "service/access.h"

namespace lockstep::cli {

struct ServeHooks {
  // It listens: instead of what `serve` says about the token.
  std::function<Status(std::uint16_t port, const service::AccessToken& token)> ready;
  // About every two seconds, before it is looked whether there is another certificate to show.
  std::function<void()> upkeep;
};

// Until a signal ends it; the exit status.
Result<int> serve(Context& context, const ServeOptions& options, const ServeHooks& hooks = {});

}  // namespace lockstep::cli
