// What the issuing server keeps beside the index: the requests that were granted, one-time tokens, devices.
//
// Each list is one member of the CA's store, in the form of index.json: one object a line, in a fixed order of fields,
// so that a commit appends without parsing. docs/formats/ca-directory.md specifies them.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "ca/serial.h"

namespace lockstep::ca {

inline constexpr const char* kRequestsFile = "requests.json";
inline constexpr const char* kTokensFile = "tokens.json";
inline constexpr const char* kDevicesFile = "devices.json";
// The issuing server's own pair.
inline constexpr const char* kServerKeyFile = "server.key";
inline constexpr const char* kServerCertificateFile = "server.crt";

inline constexpr std::array<const char*, 5> kRecordFiles = {kRequestsFile, kTokensFile, kDevicesFile, kServerKeyFile,
                                                            kServerCertificateFile};

inline constexpr std::size_t kRecordsLimit = 1024UL * 1024UL * 1024UL;  // bytes of one list

// Why a certificate is asked for.
enum class Reason {
  enroll,     // the first one of a device, by a one-time token
  proactive,  // the next one, by the certificate that is still valid
  expired,    // the next one, by the bootstrap certificate
};
// "enroll", "proactive", "expired". Error: invalid_argument naming the three.
Result<Reason> parse_reason(std::string_view text);
std::string_view reason_name(Reason reason);

// A request that was granted. `id` is derived from who asked and from the request's bytes: the same request again finds
// this record, and the certificate that was issued for it.
struct RequestRecord {
  std::string id;  // 64 hexadecimal digits
  Serial serial = 0;
  Reason reason = Reason::enroll;
  std::string client;  // "certificate:SERIAL", "bootstrap:SHA-256" or "token:SHA-256"
  UnixSeconds at = 0;
};

// The token itself is kept nowhere.
struct Token {
  std::string hash;  // SHA-256 of the token's text, 64 hexadecimal digits
  std::string name;  // of the one device that may use it; empty: of any
  UnixSeconds created = 0;
  UnixSeconds expires = 0;
  bool reenroll = false;  // also for a device that is enrolled already
  std::string used_by;    // id of the request that consumed it; empty while unused
};

struct Device {
  std::string name;
  std::string subject;    // RFC 4514: what its certificates say
  std::string bootstrap;  // SHA-256 of the bootstrap certificate's DER, 64 hexadecimal digits; empty without one
  UnixSeconds added = 0;
  bool enrolled = false;  // it was given a certificate by a token
};

// One line each, without separator.
std::string encode_record(const RequestRecord& record);
std::string encode_record(const Token& token);
std::string encode_record(const Device& device);

// Lines that encode_record wrote. Error: damaged.
Result<RequestRecord> decode_request(std::string_view line);
Result<Token> decode_token(std::string_view line);
Result<Device> decode_device(std::string_view line);

// The whole list as the member's content.
std::string encode_list(const std::vector<Token>& tokens);
std::string encode_list(const std::vector<Device>& devices);

// The lists from a member's content; an empty text is an empty list. Error: damaged.
Result<std::vector<RequestRecord>> decode_requests(std::string_view text);
Result<std::vector<Token>> decode_tokens(std::string_view text);
Result<std::vector<Device>> decode_devices(std::string_view text);

// A device's name: 1 to 64 of [A-Za-z0-9._-], beginning with a letter or a digit. Error: invalid_argument.
Status check_device_name(std::string_view name);

}  // namespace lockstep::ca
