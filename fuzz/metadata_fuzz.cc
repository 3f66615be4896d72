// metadata.json of a certificate folder: what is accepted reads back as the same.
#include "certstore/metadata.h"
#include "property.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace lockstep;
  using namespace lockstep::certstore;
  const auto parsed = parse_metadata(fuzz::text_of(data, size), "input");
  if (!parsed) return 0;
  const std::string text = encode_metadata(*parsed);
  const Metadata again = fuzz::must(parse_metadata(text, "written"), "metadata that was written is read");
  fuzz::require(encode_metadata(again) == text && again.sans == parsed->sans && again.serial == parsed->serial &&
                    again.issued_at == parsed->issued_at && again.expires_at == parsed->expires_at,
                "metadata reads back as it was written", text);
  return 0;
}
