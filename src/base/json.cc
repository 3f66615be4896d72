#include "base/json.h"

#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace lockstep {

namespace {

// Builds on nlohmann's event interface only to see keys and depth; the value itself comes from its DOM parser.
template <class Json>
class StrictWatcher {
 public:
  explicit StrictWatcher(std::size_t depth_limit) : depth_limit_(depth_limit) {}

  bool operator()(int depth, typename Json::parse_event_t event, const Json& parsed) {
    using Event = typename Json::parse_event_t;
    if (static_cast<std::size_t>(depth) > depth_limit_) too_deep = true;
    if (event == Event::object_start) keys_.emplace_back();
    if (event == Event::object_end) keys_.pop_back();
    if (event == Event::key) {
      const std::string key = parsed.template get<std::string>();
      if (!keys_.back().insert(key).second && duplicate.empty()) duplicate = key;
    }
    // Dropping what lies too deep keeps a hostile document from building itself in memory.
    return !too_deep;
  }

  bool too_deep = false;
  std::string duplicate;

 private:
  std::size_t depth_limit_;
  std::vector<std::set<std::string>> keys_;
};

template <class Json>
Result<Json> parse_strictly(std::string_view text, std::string_view name, const JsonLimits& limits) {
  const std::string where(name);
  if (text.size() > limits.bytes) {
    return fail(ErrorCode::too_large, where + ": " + std::to_string(text.size()) + " bytes of JSON, the limit is " +
                                          std::to_string(limits.bytes));
  }
  // nlohmann-json takes a NUL for the end of the input and ignores what follows.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return fail(ErrorCode::parse_error, where + ": not valid JSON at byte " + std::to_string(nul + 1));
  }
  StrictWatcher<Json> watcher(limits.depth);
  try {
    Json value = Json::parse(text, std::ref(watcher));
    if (watcher.too_deep) {
      return fail(ErrorCode::too_large, where + ": JSON nested deeper than " + std::to_string(limits.depth));
    }
    if (!watcher.duplicate.empty()) {
      return fail(ErrorCode::parse_error, where + ": the key '" + watcher.duplicate + "' stands twice in one object");
    }
    return value;
  } catch (const nlohmann::json::parse_error& error) {
    return fail(ErrorCode::parse_error, where + ": not valid JSON at byte " + std::to_string(error.byte));
  } catch (const nlohmann::json::exception&) {
    return fail(ErrorCode::parse_error, where + ": not valid JSON");
  }
}

}  // namespace

Result<nlohmann::json> parse_json(std::string_view text, std::string_view name, const JsonLimits& limits) {
  return parse_strictly<nlohmann::json>(text, name, limits);
}

Result<nlohmann::ordered_json> parse_ordered_json(std::string_view text, std::string_view name,
                                                  const JsonLimits& limits) {
  return parse_strictly<nlohmann::ordered_json>(text, name, limits);
}

std::uint64_t json_unsigned(const nlohmann::json& value, std::uint64_t largest) {
  if (!value.is_number_unsigned()) throw std::out_of_range("not a whole number");
  const auto number = value.get<std::uint64_t>();
  if (number > largest) throw std::out_of_range("above the largest number allowed");
  return number;
}

std::string json_quote(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace lockstep
