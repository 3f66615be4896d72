#include "testing/manual_clock.h"

namespace lockstep::testing {

std::uint64_t SeededRandom::next() {
  std::uint64_t z = state_.fetch_add(0x9e3779b97f4a7c15ULL) + 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31U);
}

void SeededRandom::fill(std::span<unsigned char> out) {
  for (unsigned char& byte : out) byte = static_cast<unsigned char>(next());
}

}  // namespace lockstep::testing
