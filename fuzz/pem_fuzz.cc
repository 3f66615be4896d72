// PEM: what is accepted, written again, is the same blocks.
#include "property.h"
#include "x509/pem.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace lockstep;
  using fuzz::require;
  constexpr std::size_t kLimit = 64;
  const auto blocks = x509::parse_pem(fuzz::text_of(data, size), kLimit);
  if (!blocks) return 0;
  require(blocks->size() <= kLimit, "there are no more blocks than are allowed");
  std::string text = "what stands before\n";
  for (const x509::PemBlock& block : *blocks) text += x509::encode_pem(block.label, block.der) + "and between\n";
  const auto again = x509::parse_pem(text, kLimit);
  require(again && again->size() == blocks->size(), "PEM that was written is read", text);
  for (std::size_t i = 0; i < blocks->size(); ++i) {
    require((*again)[i].label == (*blocks)[i].label && (*again)[i].der == (*blocks)[i].der,
            "PEM reads back as it was written", text);
  }
  return 0;
}
