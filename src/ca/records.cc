#include "ca/records.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "ca/index.h"
#include "crypto/digest.h"

namespace lockstep::ca {

namespace {

constexpr std::size_t kLongestName = 64;
constexpr std::size_t kLongestText = 64U * 1024U;

std::unexpected<Error> broken(std::string_view what) {
  return fail(ErrorCode::damaged, "an entry of the records has " + std::string(what), "run 'lockstep doctor'");
}

// The line `{"KEY":"VALUE",…}` with exactly these keys in this order; the values with their escapes resolved.
Result<std::vector<std::string>> split_fields(std::string_view line, std::initializer_list<std::string_view> keys) {
  std::vector<std::string> values;
  std::string_view rest = line;
  for (const std::string_view key : keys) {
    const std::string opening = std::string(values.empty() ? "{\"" : ",\"") + std::string(key) + "\":\"";
    if (!rest.starts_with(opening)) return broken("not the field '" + std::string(key) + "' where it belongs");
    rest.remove_prefix(opening.size());
    std::size_t end = rest.find_first_of("\"\\");
    const bool escaped = end != std::string_view::npos && rest[end] == '\\';
    while (end != std::string_view::npos && rest[end] == '\\') end = rest.find_first_of("\"\\", end + 2);
    if (end == std::string_view::npos) return broken("a text without end");
    if (escaped) {
      const std::string quoted = "\"" + std::string(rest.substr(0, end)) + "\"";
      const auto text = parse_json(quoted, "the records", {.bytes = kLongestText, .depth = 1});
      if (!text) return broken("a text that is no JSON string");
      values.push_back(text->get<std::string>());
    } else {
      values.emplace_back(rest.substr(0, end));
    }
    rest.remove_prefix(end + 1);
  }
  if (rest != "}") return broken("a field too many");
  return values;
}

Result<UnixSeconds> time_of(const std::string& text) {
  const auto time = parse_rfc3339(text);
  return time ? Result<UnixSeconds>(*time) : broken("a time that is none");
}

Result<bool> flag_of(const std::string& text) {
  if (text != "yes" && text != "no") return broken("neither 'yes' nor 'no'");
  return text == "yes";
}

Status expect_hash(const std::string& text, bool may_be_empty) {
  if ((may_be_empty && text.empty()) || crypto::is_sha256_hex(text)) return {};
  return broken("a checksum that is none");
}

template <class T>
std::string encode_all(const std::vector<T>& list) {
  if (list.empty()) return std::string(kEmptyIndex);
  std::string text(kIndexBegin);
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i != 0) text += kIndexSeparator;
    text += encode_record(list[i]);
  }
  return text.append(kIndexEnd);
}

template <class T>
Result<std::vector<T>> decode_all(std::string_view text, Result<T> (*decode)(std::string_view), const char* file) {
  std::vector<T> list;
  if (text.empty()) return list;
  IndexLines lines(
      [&](std::string_view line) -> Status {
        T entry = TRY_CONTEXT(decode(line), file);
        list.push_back(std::move(entry));
        return {};
      },
      file);
  TRY(lines.feed(text));
  TRY(lines.finish());
  return list;
}

}  // namespace

Result<Reason> parse_reason(std::string_view text) {
  for (const Reason reason : {Reason::enroll, Reason::proactive, Reason::expired}) {
    if (text == reason_name(reason)) return reason;
  }
  return fail(ErrorCode::invalid_argument, "the reason is none of 'enroll', 'proactive' and 'expired'");
}

std::string_view reason_name(Reason reason) {
  switch (reason) {
    case Reason::enroll: return "enroll";
    case Reason::proactive: return "proactive";
    case Reason::expired: return "expired";
  }
  LOCKSTEP_CHECK(false);
}

std::string encode_record(const RequestRecord& record) {
  return R"({"id":")" + record.id + R"(","serial":")" + serial_to_hex(record.serial) + R"(","reason":")" +
         std::string(reason_name(record.reason)) + R"(","client":")" + record.client + R"(","at":")" +
         format_rfc3339(record.at) + "\"}";
}

std::string encode_record(const Token& token) {
  return R"({"hash":")" + token.hash + R"(","name":")" + token.name + R"(","created":")" +
         format_rfc3339(token.created) + R"(","expires":")" + format_rfc3339(token.expires) + R"(","reenroll":")" +
         (token.reenroll ? "yes" : "no") + R"(","used_by":")" + token.used_by + "\"}";
}

std::string encode_record(const Device& device) {
  return R"({"name":")" + device.name + R"(","subject":)" + json_quote(device.subject) + R"(,"bootstrap":")" +
         device.bootstrap + R"(","added":")" + format_rfc3339(device.added) + R"(","enrolled":")" +
         (device.enrolled ? "yes" : "no") + "\"}";
}

Result<RequestRecord> decode_request(std::string_view line) {
  const std::vector<std::string> fields = TRY(split_fields(line, {"id", "serial", "reason", "client", "at"}));
  RequestRecord record;
  record.id = fields[0];
  TRY(expect_hash(record.id, false));
  const auto serial = parse_serial(fields[1]);
  if (!serial || serial_to_hex(*serial) != fields[1]) return broken("a serial that is none");
  record.serial = *serial;
  const auto reason = parse_reason(fields[2]);
  if (!reason) return broken("a reason that is none");
  record.reason = *reason;
  record.client = fields[3];
  record.at = TRY(time_of(fields[4]));
  return record;
}

Result<Token> decode_token(std::string_view line) {
  const std::vector<std::string> fields =
      TRY(split_fields(line, {"hash", "name", "created", "expires", "reenroll", "used_by"}));
  Token token;
  token.hash = fields[0];
  token.name = fields[1];
  token.used_by = fields[5];
  TRY(expect_hash(token.hash, false));
  if (!token.name.empty() && !check_device_name(token.name)) return broken("a name that is no device's");
  TRY(expect_hash(token.used_by, true));
  token.created = TRY(time_of(fields[2]));
  token.expires = TRY(time_of(fields[3]));
  token.reenroll = TRY(flag_of(fields[4]));
  return token;
}

Result<Device> decode_device(std::string_view line) {
  const std::vector<std::string> fields =
      TRY(split_fields(line, {"name", "subject", "bootstrap", "added", "enrolled"}));
  Device device;
  device.name = fields[0];
  device.subject = fields[1];
  device.bootstrap = fields[2];
  if (!check_device_name(device.name)) return broken("a name that is no device's");
  TRY(expect_hash(device.bootstrap, true));
  device.added = TRY(time_of(fields[3]));
  device.enrolled = TRY(flag_of(fields[4]));
  return device;
}

std::string encode_list(const std::vector<Token>& tokens) { return encode_all(tokens); }
std::string encode_list(const std::vector<Device>& devices) { return encode_all(devices); }

Result<std::vector<RequestRecord>> decode_requests(std::string_view text) {
  return decode_all(text, decode_request, kRequestsFile);
}

Result<std::vector<Token>> decode_tokens(std::string_view text) { return decode_all(text, decode_token, kTokensFile); }

Result<std::vector<Device>> decode_devices(std::string_view text) {
  return decode_all(text, decode_device, kDevicesFile);
}

Status check_device_name(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  const bool good = !name.empty() && name.size() <= kLongestName && plain(name.front()) &&
                    std::ranges::all_of(name, [&](char c) { return plain(c) || c == '.' || c == '_' || c == '-'; });
  if (good) return {};
  return fail(ErrorCode::invalid_argument, "not a device's name: '" + std::string(name.substr(0, kLongestName)) + "'",
              "a name is 1 to 64 letters, digits, dots, underscores and hyphens, and begins with a letter or a digit");
}

}  // namespace lockstep::ca
