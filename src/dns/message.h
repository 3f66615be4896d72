// DNS messages on the wire (RFC 1035, RFC 2136), by libldns, as plain bytes and values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lockstep::dns {

inline constexpr std::size_t kHeaderSize = 12;

// Names are text without the final dot, in lower case. Errors of all: invalid_argument for a name that is none.

// The wire form of a name, in lower case (RFC 4034 section 6.2) and not compressed.
Result<std::string> name_to_wire(const std::string& name);

// A query for the SOA record of a name.
Result<std::string> make_soa_query(std::uint16_t id, const std::string& name);

enum class TxtChange { add, remove };
// An update of one zone that adds one TXT record or removes exactly that one (RFC 2136 sections 2.5.1 and 2.5.4).
Result<std::string> make_txt_update(std::uint16_t id, const std::string& zone, const std::string& name,
                                    const std::string& value, TxtChange change);

struct Answer {
  std::uint16_t id = 0;
  int rcode = 0;
  bool is_response = false;
  bool authoritative = false;
  std::string alias;  // where a CNAME record at the name that was asked for leads; empty without one
  std::string zone;   // the owner of the SOA record in the answer or authority section; empty without one
};
// Error: parse_error.
Result<Answer> parse_answer(std::string_view wire, const std::string& asked);

// The TSIG record at the end of a message (RFC 8945 section 4.2).
struct TsigRecord {
  std::string name;              // wire form, lower case
  std::string algorithm;         // wire form, lower case
  std::string time;              // six octets
  std::string fudge;             // two octets
  std::string mac;               // raw
  std::string error;             // two octets
  std::string other;             // raw
  std::string unsigned_message;  // what is before the record, with the count and the identifier that were signed
};
// Errors: parse_error for a malformed message; untrusted when it has no such record at its end.
Result<TsigRecord> split_tsig(std::string_view wire);

// Whether a name is `zone` or below it.
bool is_below(const std::string& name, const std::string& zone);

}  // namespace lockstep::dns
