#include "acme/reverse_name.h"

#include <arpa/inet.h>

#include <array>

namespace lockstep::acme {

Result<std::string> reverse_name(const std::string& address) {
  std::array<unsigned char, 16> octets{};
  std::string out;
  if (address.find('\0') != std::string::npos) {
    return fail(ErrorCode::invalid_argument, "an IP address with a NUL");
  }
  if (::inet_pton(AF_INET, address.c_str(), octets.data()) == 1) {
    for (std::size_t i = 4; i-- > 0;) out += std::to_string(octets[i]) + ".";
    return out + "in-addr.arpa";
  }
  if (::inet_pton(AF_INET6, address.c_str(), octets.data()) == 1) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (std::size_t i = octets.size(); i-- > 0;) {
      for (const unsigned nibble : {octets[i] & 0x0fU, octets[i] >> 4U & 0x0fU})
        out.append(1, kDigits[nibble]).append(".");
    }
    return out + "ip6.arpa";
  }
  return fail(ErrorCode::invalid_argument, "'" + address.substr(0, 80) + "' is not an IP address");
}

}  // namespace lockstep::acme
