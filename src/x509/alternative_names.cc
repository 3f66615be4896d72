#include "x509/alternative_names.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "crypto/der.h"

namespace lockstep::x509 {

namespace {

// GeneralName's context tags (RFC 5280 4.2.1.6).
constexpr std::uint8_t kEmail = der::context(1);
constexpr std::uint8_t kDns = der::context(2);
constexpr std::uint8_t kUri = der::context(6);
constexpr std::uint8_t kIp = der::context(7);
constexpr std::size_t kLongestDns = 253;
constexpr std::size_t kLongestLabel = 63;
constexpr std::size_t kLongestValue = 2048;

bool is_visible_ascii(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

bool is_dns_name(std::string_view name) {
  if (name.size() > kLongestDns) return false;
  if (name.starts_with("*.")) name.remove_prefix(2);
  while (true) {
    const std::size_t dot = name.find('.');
    const std::string_view label = name.substr(0, dot);
    if (label.empty() || label.size() > kLongestLabel || label.front() == '-' || label.back() == '-') return false;
    const bool plain = std::all_of(label.begin(), label.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
    if (!plain) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

// 4 or 16 octets; empty when it is no address.
std::string address_octets(const std::string& text) {
  std::array<char, 16> octets{};
  if (inet_pton(AF_INET, text.c_str(), octets.data()) == 1) return {octets.data(), 4};
  if (inet_pton(AF_INET6, text.c_str(), octets.data()) == 1) return {octets.data(), 16};
  return {};
}

std::string address_text(std::string_view octets) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (octets.size() != 4 && octets.size() != 16) return {};
  const int family = octets.size() == 4 ? AF_INET : AF_INET6;
  const char* formatted = inet_ntop(family, octets.data(), text.data(), text.size());
  return formatted == nullptr ? std::string() : std::string(formatted);
}

}  // namespace

Result<AlternativeName> parse_alternative_name(std::string_view text) {
  const std::size_t colon = text.find(':');
  std::string type(text.substr(0, colon));
  std::transform(type.begin(), type.end(), type.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const auto usage = [&] {
    return fail(ErrorCode::usage, "an alternative name needs its type: '" + std::string(text.substr(0, 80)) + "'",
                "write DNS:name, IP:address, URI:uri or email:address");
  };
  if (colon == std::string_view::npos) return usage();
  const std::string value(text.substr(colon + 1));
  const auto bad = [&](const std::string& kind) {
    return fail(ErrorCode::invalid_argument, "not " + kind + ": '" + value.substr(0, 80) + "'");
  };
  if (value.size() > kLongestValue || value.find('\0') != std::string::npos)
    return bad("a usable name (too long, or a NUL)");
  if (type == "dns") {
    if (!is_dns_name(value)) return bad("a DNS name");
    return AlternativeName{AlternativeNameType::dns, value};
  }
  if (type == "ip") {
    const std::string octets = address_octets(value);
    if (octets.empty()) return bad("an IP address");
    return AlternativeName{AlternativeNameType::ip, address_text(octets)};
  }
  if (type == "uri") {
    if (!is_visible_ascii(value) || value.find(':') == std::string::npos) return bad("a URI with its scheme");
    return AlternativeName{AlternativeNameType::uri, value};
  }
  if (type == "email") {
    const std::size_t at = value.find('@');
    if (!is_visible_ascii(value) || at == 0 || at == std::string::npos || at + 1 == value.size())
      return bad("a mail address");
    return AlternativeName{AlternativeNameType::email, value};
  }
  return usage();
}

std::string to_text(const AlternativeName& name) {
  switch (name.type) {
    case AlternativeNameType::dns: return "DNS:" + name.value;
    case AlternativeNameType::ip: return "IP:" + name.value;
    case AlternativeNameType::uri: return "URI:" + name.value;
    case AlternativeNameType::email: return "email:" + name.value;
    case AlternativeNameType::other: return "other:" + name.value;
  }
  return name.value;
}

Result<std::string> encode_alternative_names(const std::vector<AlternativeName>& names) {
  LOCKSTEP_CHECK(!names.empty());
  std::string content;
  for (const AlternativeName& name : names) {
    switch (name.type) {
      case AlternativeNameType::dns: der::append(content, kDns, name.value); break;
      case AlternativeNameType::ip: der::append(content, kIp, address_octets(name.value)); break;
      case AlternativeNameType::uri: der::append(content, kUri, name.value); break;
      case AlternativeNameType::email: der::append(content, kEmail, name.value); break;
      case AlternativeNameType::other: check_failed("no `other`", __FILE__, __LINE__);
    }
  }
  return der::encode(der::kSequence, content);
}

Result<std::vector<AlternativeName>> decode_alternative_names(std::string_view bytes) {
  const std::string_view content = TRY(der::parse_single(bytes, der::kSequence, "the alternative names"));
  der::Reader reader(content);
  std::vector<AlternativeName> names;
  while (!reader.at_end()) {
    der::Element element;
    if (!reader.read(element)) return fail(ErrorCode::parse_error, "the alternative names are malformed");
    const std::string value(element.content);
    const bool is_text = element.tag == kDns || element.tag == kUri || element.tag == kEmail;
    if (is_text && !is_visible_ascii(value)) {
      return fail(ErrorCode::parse_error, "an alternative name with characters that it must not have");
    }
    if (element.tag == kDns)
      names.push_back({AlternativeNameType::dns, value});
    else if (element.tag == kUri)
      names.push_back({AlternativeNameType::uri, value});
    else if (element.tag == kEmail)
      names.push_back({AlternativeNameType::email, value});
    else if (element.tag == kIp) {
      const std::string text = address_text(value);
      if (text.empty()) return fail(ErrorCode::parse_error, "an IP address of neither 4 nor 16 octets");
      names.push_back({AlternativeNameType::ip, text});
    } else {
      names.push_back({AlternativeNameType::other, "form " + std::to_string(element.tag & 0x1fU)});
    }
  }
  return names;
}

}  // namespace lockstep::x509
