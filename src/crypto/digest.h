// SHA-256, in one call or piece by piece. A running digest can be copied, so that two contents with a common
// beginning are hashed in one pass.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace lockstep::crypto {

class Sha256 {
 public:
  Sha256();
  Sha256(const Sha256& other);
  Sha256& operator=(const Sha256& other);
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void update(std::string_view bytes);
  // 64 lower-case hexadecimal digits. The object is spent afterwards.
  std::string finish_hex();
  // 32 bytes. The object is spent afterwards.
  std::string finish_raw();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// SHA-256 of the bytes as 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);
// True for a text that sha256_hex could have returned.
bool is_sha256_hex(std::string_view text);

// SHA-1, 20 raw bytes: only for key identifiers (RFC 5280 4.2.1.2), never as a protection.
std::string sha1(std::string_view bytes);

}  // namespace lockstep::crypto
