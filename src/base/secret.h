// Bytes that must not outlive their use: a private key in PEM. Wiped when freed, never printed.
#pragma once

#include <string>
#include <string_view>

namespace lockstep {

class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(std::string bytes) : bytes_(std::move(bytes)) {}
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  // The bytes themselves, valid as long as this object. The caller makes no copy that it does not wipe.
  [[nodiscard]] std::string_view reveal() const { return bytes_; }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }

 private:
  std::string bytes_;
};

// Overwrites the string's whole buffer with zeros in a way that the compiler does not remove.
void wipe(std::string& bytes);

}  // namespace lockstep
