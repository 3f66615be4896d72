#include "base/random.h"

#include <string_view>
#include <vector>

namespace lockstep {

std::uint64_t random_bits(Random& random) {
  std::uint64_t bits = 0;
  random.fill({reinterpret_cast<unsigned char*>(&bits), sizeof bits});
  return bits;
}

std::string random_name(Random& random, std::size_t length) {
  // 36 symbols do not divide 256; the bias is harmless in a name that is only to be unlikely.
  constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::vector<unsigned char> bytes(length);
  random.fill(bytes);
  std::string name;
  name.reserve(length);
  for (const unsigned char byte : bytes) name.push_back(kAlphabet[byte % kAlphabet.size()]);
  return name;
}

}  // namespace lockstep
