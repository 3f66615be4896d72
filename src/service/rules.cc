#include "service/rules.h"

#include <arpa/inet.h>
#include <unictype.h>
#include <unistr.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <vector>

#include "base/json.h"

namespace lockstep::embedded {
extern const std::string_view kRulesJson;
}

namespace lockstep::service {

namespace {

using Json = nlohmann::ordered_json;
using CodePoints = std::vector<ucs4_t>;

const Json& document() {
  static const Json kDocument = [] {
    auto parsed = parse_ordered_json(embedded::kRulesJson, "rules.json");
    LOCKSTEP_CHECK(parsed.has_value());
    return std::move(*parsed);
  }();
  return kDocument;
}

CodePoints code_points(const std::string& text) {
  CodePoints points;
  const auto* at = reinterpret_cast<const std::uint8_t*>(text.data());
  for (std::size_t left = text.size(); left > 0;) {
    ucs4_t point = 0;
    const int length = u8_mbtouc(&point, at, left);
    if (length <= 0) break;
    points.push_back(point);
    at += length;
    left -= static_cast<std::size_t>(length);
  }
  return points;
}

bool is_ascii_letter(ucs4_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_ascii_digit(ucs4_t c) { return c >= '0' && c <= '9'; }

bool is_of_class(const std::string& name, ucs4_t c) {
  if (name == "letters") return uc_is_general_category(c, UC_LETTER);
  if (name == "marks") return uc_is_general_category(c, UC_MARK);
  if (name == "digits") return uc_is_general_category(c, UC_DECIMAL_DIGIT_NUMBER);
  if (name == "ascii-letters") return is_ascii_letter(c);
  if (name == "ascii-digits") return is_ascii_digit(c);
  if (name == "space") return c == ' ';
  if (name == "printable") return !uc_is_general_category(c, UC_CONTROL);
  return c < 0x80 && name.find(static_cast<char>(c)) != std::string::npos;
}

bool has_only(const std::string& classes, const CodePoints& points) {
  std::vector<std::string> names;
  std::istringstream words(classes);
  for (std::string word; words >> word;) names.push_back(word);
  return std::ranges::all_of(points, [&](ucs4_t point) {
    return std::ranges::any_of(names, [&](const std::string& name) { return is_of_class(name, point); });
  });
}

bool is_space(ucs4_t point) { return uc_is_property_white_space(point) || point == 0xfeff; }

bool is_ip(const std::string& text) {
  in6_addr buffer{};
  // inet_pton knows neither zones nor brackets, which are no addresses here either; but it stops at a NUL.
  if (text.find('\0') != std::string::npos) return false;
  return ::inet_pton(AF_INET, text.c_str(), &buffer) == 1 || ::inet_pton(AF_INET6, text.c_str(), &buffer) == 1;
}

// RFC 1123 section 2.1: letters, digits and hyphens; a last label of digits alone is an address, or a wrong one.
bool is_hostname(const std::string& text) {
  constexpr std::size_t kLongestLabel = 63;
  std::size_t start = 0;
  while (true) {
    const std::size_t end = std::min(text.find('.', start), text.size());
    const std::string label = text.substr(start, end - start);
    if (label.empty() || label.size() > kLongestLabel || label.front() == '-' || label.back() == '-') return false;
    bool digits_alone = true;
    for (const char each : label) {
      const auto c = static_cast<unsigned char>(each);
      if (!is_ascii_letter(c) && !is_ascii_digit(c) && c != '-') return false;
      if (!is_ascii_digit(c)) digits_alone = false;
    }
    if (end == text.size()) return !digits_alone;
    start = end + 1;
  }
}

bool has_format(const std::string& format, const std::string& text) {
  if (format == "ip") return is_ip(text);
  if (format == "hostname") return is_hostname(text);
  if (format == "path") return text.starts_with('/');
  return false;
}

bool is_good_text(const Json& rule, const Json& value) {
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  const CodePoints points = code_points(text);
  if (rule.contains("minLength") && points.size() < rule.at("minLength").get<std::size_t>()) return false;
  if (rule.contains("maxLength") && points.size() > rule.at("maxLength").get<std::size_t>()) return false;
  if (rule.value("trimmed", false) && !points.empty() && (is_space(points.front()) || is_space(points.back())))
    return false;
  if (rule.contains("characters") && !has_only(rule.at("characters").get<std::string>(), points)) return false;
  if (rule.contains("format") && !has_format(rule.at("format").get<std::string>(), text)) return false;
  if (!rule.contains("enum")) return true;
  const Json& allowed = rule.at("enum");
  return std::ranges::find(allowed, value) != allowed.end();
}

bool is_good_integer(const Json& rule, const Json& value) {
  if (!value.is_number()) return false;
  // 443.0 is the whole number 443 (RFC 8259 section 6 knows numbers alone).
  const auto number = value.get<double>();
  if (!std::isfinite(number) || number != std::floor(number)) return false;
  return number >= rule.at("minimum").get<double>() && number <= rule.at("maximum").get<double>();
}

bool is_absent(const Json& value, const std::string& key) {
  const auto found = value.find(key);
  if (found == value.end() || found->is_null()) return true;
  return found->is_string() && found->get_ref<const std::string&>().empty();
}

RuleError wrong(const char* kind, const Json& rule) { return {kind, rule.at("message").get<std::string>()}; }

void check_list(const std::string& field, const Json& rule, const Json& value, RuleErrors* errors) {
  if (!value.is_array() || value.size() > rule.at("maxItems").get<std::size_t>()) {
    errors->emplace(field, wrong("invalid", rule));
    return;
  }
  const bool unique = rule.value("uniqueItems", false);
  std::set<std::string> seen;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string element = field + "." + std::to_string(i);
    if (!is_good_text(rule.at("items"), value[i])) {
      errors->emplace(element, wrong("invalid", rule.at("items")));
    } else if (unique && !seen.insert(value[i].get<std::string>()).second) {
      errors->emplace(element, RuleError{"duplicate", rule.at("duplicateMessage").get<std::string>()});
    }
  }
}

void check_field(const std::string& field, const Json& rule, const Json& value, RuleErrors* errors) {
  const std::string type = rule.at("type").get<std::string>();
  if (type == "array") return check_list(field, rule, value, errors);
  const bool good = type == "integer" ? is_good_integer(rule, value) : is_good_text(rule, value);
  if (!good) errors->emplace(field, wrong("invalid", rule));
}

}  // namespace

RuleErrors check_rules(std::string_view kind, const Json& value) {
  RuleErrors errors;
  const Json& rules = document().at(std::string(kind));
  for (const auto& [field, rule] : rules.at("fields").items()) {
    if (!is_absent(value, field)) {
      check_field(field, rule, value.at(field), &errors);
    } else if (rule.value("required", false)) {
      errors.emplace(field, RuleError{"required", rule.at("requiredMessage").get<std::string>()});
    }
  }
  for (const Json& choice : rules.at("atLeastOneOf")) {
    const Json& fields = choice.at("fields");
    if (!std::ranges::all_of(fields, [&](const Json& field) { return is_absent(value, field.get<std::string>()); }))
      continue;
    for (const Json& field : fields) errors.emplace(field.get<std::string>(), wrong("atLeastOneOf", choice));
  }
  return errors;
}

const Json& rule_fields(std::string_view kind) { return document().at(std::string(kind)).at("fields"); }

std::string_view rules_document() { return embedded::kRulesJson; }

}  // namespace lockstep::service
