// The intent record of a publish: what is accepted names nothing outside of its directories, and nothing twice.
#include <set>

#include "durable/intent.h"
#include "durable/temporary.h"
#include "fs/io.h"
#include "property.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace lockstep;
  using namespace lockstep::durable;
  using fuzz::require;
  const auto parsed = parse_intent(fuzz::text_of(data, size), "input");
  if (!parsed) return 0;
  require(!parsed->targets.empty() && parsed->targets.size() <= kIntentTargets, "the number of targets is allowed");
  std::set<std::pair<std::string, std::string>> named;
  for (const IntentTarget& target : parsed->targets) {
    require(target.directory.starts_with('/'), "a target's directory is absolute");
    require((target.directory + "/").find("/../") == std::string::npos, "a target's directory leads nowhere else");
    require(target.backup.empty() == !target.old_sha256, "there is a backup if and only if there was a file");
    require(temporary_owner(target.temporary).has_value(), "a new file waits under the name of a temporary");
    for (const std::string& name : {target.name, target.temporary, target.backup}) {
      if (name.empty() && &name != &target.name) continue;
      require(fs::is_single_component(name), "a name in an intent stays in its directory", name);
      require(named.emplace(target.directory, name).second, "no name stands for two things", name);
    }
  }
  const std::string text = encode_intent(*parsed);
  if (text.size() > kIntentLimit) return 0;  // the input was written more densely than we write
  const Intent again = fuzz::must(parse_intent(text, "written"), "an intent that was written is read");
  require(encode_intent(again) == text, "an intent reads back as it was written", text);
  return 0;
}
