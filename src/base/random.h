// Randomness as a parameter: names of temporary files, jitter, chosen moments. Keys are made by OpenSSL's own
// generator.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace lockstep {

class Random {
 public:
  virtual ~Random() = default;
  // Fills the span with unpredictable bytes. Safe from several threads.
  virtual void fill(std::span<unsigned char> out) = 0;
};

// 64 random bits.
std::uint64_t random_bits(Random& random);

// `length` characters of [a-z0-9], for the names of temporary files.
std::string random_name(Random& random, std::size_t length);

}  // namespace lockstep
