// Choices out of a fuzzer's bytes, front to back; after the end everything is zero.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace lockstep::fuzz {

class Input {
 public:
  explicit Input(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  std::size_t word() {
    const std::size_t high = byte();
    return high * 256 + byte();
  }
  // From 0 to `count` - 1.
  std::size_t pick(std::size_t count) { return byte() % count; }
  template <class T>
  const T& of(std::span<const T> choices) {
    return choices[pick(choices.size())];
  }
  // As many bytes as the next one says.
  std::string_view bytes() {
    const std::size_t count = byte();
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view rest_;
};

}  // namespace lockstep::fuzz
