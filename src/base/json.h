// JSON from files and people, read strictly.
//
// nlohmann-json keeps the last of two equal keys without a word and has no depth limit: both are errors here.
// Include <nlohmann/json.hpp> only in .cc files; it costs seconds of compile time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "base/result.h"

namespace lockstep {

struct JsonLimits {
  std::size_t bytes = 1U << 20U;
  std::size_t depth = 16;
};

// `name` is the file or source that an error names. Errors: too_large, parse_error (with the byte offset).
Result<nlohmann::json> parse_json(std::string_view text, std::string_view name, const JsonLimits& limits = {});

// The same with the keys of objects in the order of the text: for files that people write and that are written again.
Result<nlohmann::ordered_json> parse_ordered_json(std::string_view text, std::string_view name,
                                                  const JsonLimits& limits = {});

// The value as a whole number from 0 to `largest`. Throws std::out_of_range for everything else: get<>() of
// nlohmann-json converts fractions, negative and too large numbers without a word. For the readers that take an
// exception for "not ours".
std::uint64_t json_unsigned(const nlohmann::json& value, std::uint64_t largest);

// The text as a JSON string literal with its quotes. Invalid UTF-8 becomes U+FFFD.
std::string json_quote(std::string_view text);

}  // namespace lockstep
