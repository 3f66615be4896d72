// An index that canonical_index accepts comes out in the fixed form, which reads back entry by entry; and the reader of
// the fixed form survives everything else.
#include <cstdlib>
#include <string>
#include <string_view>

#include "ca/index.h"

namespace {

using namespace lockstep;

bool read_back(std::string_view text, std::string* written) {
  bool first = true;
  ca::IndexLines lines([&](std::string_view line) -> Status {
    const auto entry = ca::decode_entry(line);
    if (!entry) return fail(entry.error());
    if (!ca::glance_entry(line)) std::abort();
    *written += first ? ca::kIndexBegin : ca::kIndexSeparator;
    *written += ca::encode_entry(*entry);
    first = false;
    return {};
  });
  // In two pieces, so that lines are put together again.
  const Status fed = lines.feed(text.substr(0, text.size() / 2));
  if (!fed || !lines.feed(text.substr(text.size() / 2)) || !lines.finish()) return false;
  if (first)
    *written = std::string(ca::kEmptyIndex);
  else
    *written += ca::kIndexEnd;
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  std::string written;
  read_back(input, &written);
  const auto canonical = ca::canonical_index(input, "input");
  if (!canonical) return 0;
  written.clear();
  if (!read_back(*canonical, &written) || written != *canonical) std::abort();
  return 0;
}
