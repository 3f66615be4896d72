// Tells damage, which repair may act on, from a file that could not be read this time, which it must not: whoever
// takes an I/O error for damage goes back to an older generation although the newer one is whole.
#pragma once

#include <optional>
#include <utility>

#include "base/result.h"

namespace lockstep::durable {

// True when the error says what is stored (wrong, missing, of the wrong type), false when it says that the system
// could not read it: EIO, EACCES, EMFILE and the like.
[[nodiscard]] bool is_damage(const Error& error);

// The value; nothing when it is damaged; the error when it could not be read.
template <typename T>
Result<std::optional<T>> unless_damaged(Result<T> result) {
  if (result) return std::optional<T>(std::move(*result));
  if (is_damage(result.error())) return std::optional<T>();
  return fail(std::move(result).error());
}

// Whether a check held; the error when what is checked could not be read.
[[nodiscard]] Result<bool> is_whole(Status checked);

}  // namespace lockstep::durable
