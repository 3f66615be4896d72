// Hooks: the operator's programs around a change. They run with no lock held, so that they may call lockstep.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/renewal_state.h"
#include "fs/program.h"

namespace lockstep::agent {

enum class HookKind { pre, deploy, post, failure };
std::string_view hook_name(HookKind kind);

struct HookFacts {
  std::string root;
  std::string domain;
  std::vector<std::string> names;
  std::string old_serial;  // empty for the first certificate
  std::string new_serial;
  durable::Generation generation = 0;
  std::string error;  // for failure hooks: what went wrong
};

struct HookTools {
  fs::FileSystem& files;
  fs::ProgramRunner& programs;
  Clock& clock;
};

// The programs of the settings, then those of ROOT/hooks/KIND in the order of their names (regular executable files
// only).
Result<std::vector<HookProgram>> hook_programs(fs::FileSystem& files, const std::string& root, HookKind kind,
                                               const HookSettings& settings);

// Runs them one after the other and stops at the first that fails. Nothing when there are none. That a program fails,
// or cannot be started, is an outcome, not an error.
Result<std::optional<HookOutcome>> run_hooks(const HookTools& tools, HookKind kind, const HookSettings& settings,
                                             const HookFacts& facts);

// "a 'b c' d" as a program and its arguments: blanks separate, quotes and backslashes keep together as in a shell,
// nothing is expanded. Error: invalid_argument for an open quote or an empty text.
Result<HookProgram> split_command(const std::string& text);

}  // namespace lockstep::agent
