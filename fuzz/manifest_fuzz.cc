// manifest.json and the history record: what is accepted is what we could have written, and reads back as the same.
#include <algorithm>

#include "durable/manifest.h"
#include "fs/io.h"
#include "property.h"

namespace {

using namespace lockstep;
using namespace lockstep::durable;
using fuzz::require;

void check_manifest(std::string_view input) {
  const auto parsed = parse_manifest(input, "input");
  if (!parsed) return;
  require(parsed->generation > 0 && parsed->parent < parsed->generation && parsed->highest >= parsed->generation,
          "the numbers of an accepted manifest are in order");
  require(parsed->members.size() <= kMemberLimit, "an accepted manifest has no more members than are allowed");
  for (const ManifestMember& member : parsed->members) {
    require(is_member_name(member.name) && fs::is_single_component(member.name), "a member's name stays in its folder");
    require(parsed->find(member.name) == &member, "a member's name stands for one member");
  }
  const std::string text = encode_manifest(*parsed);
  if (text.size() > kManifestLimit) return;  // the input was written more densely than we write
  const Manifest again = fuzz::must(parse_manifest(text, "written"), "a manifest that was written is read");
  require(encode_manifest(again) == text, "a manifest reads back as it was written", text);
}

void check_history(std::string_view input) {
  const auto parsed = parse_history(input, "input");
  if (!parsed) return;
  require(std::ranges::all_of(parsed->kept, [&](Generation each) { return each <= parsed->highest; }) &&
              parsed->highest <= kLargestGeneration,
          "an accepted record has no number beyond the largest");
  const std::string text = encode_history(*parsed);
  const History again = fuzz::must(parse_history(text, "written"), "a record that was written is read");
  require(again.kept == parsed->kept && again.highest == parsed->highest, "a record reads back as it was written");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  check_manifest(fuzz::text_of(data, size));
  check_history(fuzz::text_of(data, size));
  return 0;
}
