#include "base/secret.h"

#include <cstring>
#include <utility>

namespace lockstep {

void wipe(std::string& bytes) {
  bytes.resize(bytes.capacity());  // behind the end may be what a longer content left
  explicit_bzero(bytes.data(), bytes.size());
  bytes.clear();
}

// NOLINTNEXTLINE(performance-move-constructor-init): see below
SecretBytes::SecretBytes(SecretBytes&& other) noexcept : bytes_(other.bytes_) {
  // A moved-from short string keeps its bytes in place: copy, then wipe the source.
  wipe(other.bytes_);
}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    wipe(bytes_);
    bytes_ = other.bytes_;
    wipe(other.bytes_);
  }
  return *this;
}

SecretBytes::~SecretBytes() { wipe(bytes_); }

}  // namespace lockstep
