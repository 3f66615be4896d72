#include "agent/hooks.h"

#include <algorithm>
#include <cerrno>

#include "certstore/certificate_folder.h"
#include "fs/io.h"

namespace lockstep::agent {

namespace {

constexpr std::size_t kKeptOutput = 2000;  // bytes, in the state file
constexpr std::uint32_t kAnyExecute = 0111;

const std::vector<HookProgram>& programs_of(const HookSettings& settings, HookKind kind) {
  switch (kind) {
    case HookKind::pre: return settings.pre;
    case HookKind::deploy: return settings.deploy;
    case HookKind::post: return settings.post;
    case HookKind::failure: break;
  }
  return settings.failure;
}

std::string joined(const std::vector<std::string>& texts, char separator) {
  std::string result;
  for (const std::string& text : texts) {
    if (!result.empty()) result.push_back(separator);
    result += text;
  }
  return result;
}

std::vector<std::pair<std::string, std::string>> environment_of(HookKind kind, const HookFacts& facts) {
  return {{"LOCKSTEP_HOOK", std::string(hook_name(kind))},
          {"LOCKSTEP_PATH", facts.root},
          {"LOCKSTEP_DOMAIN", facts.domain},
          {"LOCKSTEP_DOMAINS", joined(facts.names, ' ')},
          {"LOCKSTEP_LIVE", certstore::folder_path(facts.root, facts.domain)},
          {"LOCKSTEP_OLD_SERIAL", facts.old_serial},
          {"LOCKSTEP_NEW_SERIAL", facts.new_serial},
          {"LOCKSTEP_GENERATION", facts.generation == 0 ? std::string() : std::to_string(facts.generation)},
          {"LOCKSTEP_ERROR", facts.error}};
}

}  // namespace

std::string_view hook_name(HookKind kind) {
  switch (kind) {
    case HookKind::pre: return "pre";
    case HookKind::deploy: return "deploy";
    case HookKind::post: return "post";
    case HookKind::failure: break;
  }
  return "failure";
}

Result<std::vector<HookProgram>> hook_programs(fs::FileSystem& files, const std::string& root, HookKind kind,
                                               const HookSettings& settings) {
  std::vector<HookProgram> programs = programs_of(settings, kind);
  const std::string path = fs::join_path(fs::join_path(root, "hooks"), std::string(hook_name(kind)));
  auto directory = files.open_directory(path);
  if (!directory && directory.error().system_errno == ENOENT) return programs;
  if (!directory) return fail(std::move(directory).error());
  std::vector<std::string> found;
  const std::vector<fs::DirectoryEntry> entries = TRY((*directory)->list());
  for (const fs::DirectoryEntry& entry : entries) {
    // What editors and package managers leave beside a program is none.
    if (entry.name.starts_with('.') || entry.name.ends_with('~')) continue;
    const auto file = files.open_for_reading(fs::join_path(path, entry.name));
    if (!file) continue;
    const auto stat = (*file)->stat();
    if (stat && stat->type == fs::FileType::regular && (stat->mode & kAnyExecute) != 0)
      found.push_back(fs::join_path((*directory)->path(), entry.name));
  }
  std::sort(found.begin(), found.end());
  for (std::string& program : found) programs.push_back({std::move(program)});
  return programs;
}

Result<std::optional<HookOutcome>> run_hooks(const HookTools& tools, HookKind kind, const HookSettings& settings,
                                             const HookFacts& facts) {
  const std::vector<HookProgram> programs = TRY(hook_programs(tools.files, facts.root, kind, settings));
  std::optional<HookOutcome> outcome;
  for (const HookProgram& program : programs) {
    const auto ended = tools.programs.run({.arguments = program, .environment = environment_of(kind, facts)});
    outcome = HookOutcome{.at = tools.clock.now(),
                          .succeeded = ended && ended->succeeded(),
                          .program = joined(program, ' '),
                          .result = ended ? ended->describe() : ended.error().message,
                          .output = {}};
    if (ended) {
      const std::string& output = ended->output;
      outcome->output = output.size() > kKeptOutput ? output.substr(output.size() - kKeptOutput) : output;
    }
    if (!outcome->succeeded) break;
  }
  return outcome;
}

Result<HookProgram> split_command(const std::string& text) {
  HookProgram words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == '\'') {
      if (c == '\'')
        quote = 0;
      else
        word.push_back(c);
    } else if (c == '\\' && i + 1 < text.size() && (quote == 0 || text[i + 1] == '"' || text[i + 1] == '\\')) {
      word.push_back(text[++i]);
      in_word = true;
    } else if (quote == '"') {
      if (c == '"')
        quote = 0;
      else
        word.push_back(c);
    } else if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;
    } else if (c == ' ' || c == '\t' || c == '\n') {
      if (in_word) words.push_back(std::move(word));
      word.clear();
      in_word = false;
    } else {
      word.push_back(c);
      in_word = true;
    }
  }
  if (quote != 0) return fail(ErrorCode::invalid_argument, "a quote is not closed in '" + text + "'");
  if (in_word) words.push_back(std::move(word));
  if (words.empty() || words.front().empty()) return fail(ErrorCode::invalid_argument, "no program is named");
  return words;
}

}  // namespace lockstep::agent
