// A manifest that is accepted is one that we could have written: written again and read again it is the same.
#include <cstdlib>
#include <string_view>

#include "durable/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace lockstep::durable;
  const auto parsed = parse_manifest({reinterpret_cast<const char*>(data), size}, "input");
  if (!parsed) return 0;
  const std::string text = encode_manifest(*parsed);
  const auto again = parse_manifest(text, "input");
  if (!again || encode_manifest(*again) != text) std::abort();
  for (const ManifestMember& member : parsed->members) {
    if (!is_member_name(member.name)) std::abort();
  }
  return 0;
}
