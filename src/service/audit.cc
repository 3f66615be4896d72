#include "service/audit.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

namespace lockstep::service {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kMasked = "***";

bool names_a_secret(std::string key) {
  static constexpr std::array<std::string_view, 12> kWords = {
      "password", "passwd",  "passphrase", "pwd",           "secret",      "token",
      "apikey",   "api_key", "credential", "authorization", "private_key", "privatekey"};
  for (char& c : key) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return key == "key" || key.ends_with("_key") ||
         std::ranges::any_of(kWords, [&](std::string_view word) { return key.find(word) != std::string::npos; });
}

Json masked(const std::string& key, const Json& value) {
  if (names_a_secret(key)) return kMasked;
  Json out = value;
  if (value.is_object()) {
    for (auto& [inner, each] : out.items()) each = masked(inner, Json(each));
  } else if (value.is_array()) {
    for (auto& each : out) each = masked("", Json(each));
  }
  return out;
}

Json shown(const std::string& key, const std::string& text) {
  if (text.empty()) return nullptr;
  return masked(key, Json::parse(text, nullptr, false));
}

Json line(UnixSeconds time, const char* level, const AuditSource& source) {
  Json out = {{"time", format_rfc3339(time)}, {"level", level}, {"who", source.who}};
  if (!source.address.empty()) out["address"] = source.address;
  return out;
}

// So many fields lead to what was wrong; a body can have thousands.
Json shown_fields(const std::map<std::string, std::string>& fields) {
  constexpr std::size_t kMostFields = 16;
  Json out = Json::object();
  for (const auto& [field, message] : fields) {
    if (out.size() == kMostFields) break;
    out[shortened(field)] = shortened(message);
  }
  if (fields.size() > kMostFields) out["…"] = std::to_string(fields.size()) + " fields in all";
  return out;
}

std::string text_of(const Json& line) { return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace

std::string audit_lines(UnixSeconds time, const AuditSource& source, const std::vector<Change>& changes) {
  std::string lines;
  for (const Change& change : changes) {
    Json out = line(time, "INFO", source);
    out["action"] = change.what;
    out["kind"] = change.kind;
    out["id"] = change.id;
    out["name"] = change.name;
    if (!change.fields.empty()) out["changes"] = Json::array();
    for (const Change::Field& field : change.fields) {
      out["changes"].push_back(
          {{"field", field.name}, {"from", shown(field.name, field.from)}, {"to", shown(field.name, field.to)}});
    }
    lines += text_of(out);
  }
  return lines;
}

std::string shortened(const std::string& text) {
  constexpr std::size_t kMostBytes = 256;
  if (text.size() <= kMostBytes) return text;
  return text.substr(0, kMostBytes) + "… (" + std::to_string(text.size()) + " bytes)";
}

std::string audit_refusal(UnixSeconds time, const AuditSource& source, const std::string& request,
                          const Refusal& refusal, std::size_t suppressed) {
  Json out = line(time, "WARN", {shortened(source.who), source.address});
  out["action"] = "REFUSED";
  out["request"] = shortened(request);
  out["status"] = refusal.status;
  out["error"] = shortened(refusal.error);
  if (!refusal.fields.empty()) out["fields"] = shown_fields(refusal.fields);
  if (suppressed > 0) out["suppressed"] = suppressed;
  return text_of(out);
}

bool RefusalBrake::take(std::chrono::milliseconds now, std::size_t* suppressed) {
  const auto second = now / 1000;
  if (second != second_) {
    second_ = second;
    written_ = 0;
  }
  if (written_ >= kASecond) {
    ++suppressed_;
    return false;
  }
  ++written_;
  *suppressed = std::exchange(suppressed_, 0);
  return true;
}

}  // namespace lockstep::service
