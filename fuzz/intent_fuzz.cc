// An intent that is accepted names nothing outside of its directories.
#include <cstdlib>
#include <string_view>

#include "durable/intent.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace lockstep::durable;
  const auto parsed = parse_intent({reinterpret_cast<const char*>(data), size}, "input");
  if (!parsed) return 0;
  for (const IntentTarget& target : parsed->targets) {
    for (const std::string& name : {target.name, target.temporary, target.backup}) {
      if (name.find('/') != std::string::npos || name == "." || name == "..") std::abort();
    }
    if (!target.directory.starts_with('/')) std::abort();
  }
  const std::string text = encode_intent(*parsed);
  const auto again = parse_intent(text, "input");
  if (!again || encode_intent(*again) != text) std::abort();
  return 0;
}
