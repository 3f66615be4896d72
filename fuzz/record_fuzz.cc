// The agent's own files, state/DOMAIN.json and orders/DOMAIN.json: what is accepted is what a run may act on, and reads
// back as it was written. The first byte says which of the two it is.
#include <algorithm>

#include "agent/order_journal.h"
#include "agent/renewal_state.h"
#include "certstore/domain_name.h"
#include "property.h"

namespace {

using namespace lockstep;
using namespace lockstep::agent;
using fuzz::require;

void check_settings(const CertificateSettings& settings) {
  require(!settings.names.empty(), "settings have a name");
  for (const std::string& name : settings.names) {
    const auto parsed = certstore::parse_domain(name);
    require(parsed && *parsed == name, "a name may be a folder's", name);
  }
  for (const auto* list :
       {&settings.hooks.pre, &settings.hooks.deploy, &settings.hooks.post, &settings.hooks.failure}) {
    for (const HookProgram& program : *list) require(!program.empty() && !program[0].empty(), "a hook has a program");
  }
}

void check_state(std::string_view input) {
  const auto parsed = parse_state(input, "input");
  if (!parsed) {
    require(parsed.error().message.starts_with("'input'"), "an error names the file", parsed.error().message);
    return;
  }
  if (parsed->settings) check_settings(*parsed->settings);
  const std::string text = encode_state(*parsed);
  const RenewalState again = fuzz::must(parse_state(text, "written"), "a state that was written is read");
  require(encode_state(again) == text, "a state reads back as it was written", text);
  require(again.settings == parsed->settings, "settings read back as they were", text);
}

void check_journal(std::string_view input) {
  const auto parsed = parse_journal(input, "input");
  if (!parsed) {
    require(parsed.error().message.starts_with("'input'"), "an error names the file", parsed.error().message);
    return;
  }
  check_settings(parsed->settings);
  for (const acme::ChallengeTask& task : parsed->presented) {
    const bool plain = std::ranges::all_of(task.token, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
    require(plain && !task.token.empty(), "a token may be a file's name", task.token);
  }
  const std::string text = encode_journal(*parsed);
  const OrderJournal again = fuzz::must(parse_journal(text, "written"), "a journal that was written is read");
  require(encode_journal(again) == text, "a journal reads back as it was written", text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest = fuzz::text_of(data, size).substr(1);
  if ((data[0] & 1U) == 0)
    check_state(rest);
  else
    check_journal(rest);
  return 0;
}
