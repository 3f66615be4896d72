// Part of the explorer: every call of the run fails, with each error that is possible for it.
#pragma once

#include <vector>

#include "testing/crash_graph.h"

namespace lockstep::testing {

// Errors that a call of this kind can give on a sick system, worth injecting.
const std::vector<int>& possible_errors(const std::string& kind);

// From the prepared state `base`: each of `operations` fails once; then all from there on fail.
void inject_faults(const CrashScenario& scenario, const ExplorerOptions& options, const SimImage& base,
                   const std::vector<Operation>& operations, CrashGraph& graph, ExplorerReport& report);

}  // namespace lockstep::testing
