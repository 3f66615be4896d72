#include "certstore/domain_name.h"

#include <algorithm>

#include "x509/alternative_names.h"

namespace lockstep::certstore {

namespace {

constexpr std::string_view kWildcard = "*.";
constexpr std::string_view kWildcardFolder = "_wildcard.";
constexpr std::size_t kLongestName = 253;
constexpr std::size_t kLongestLabel = 63;

std::unexpected<Error> bad(std::string_view text, const std::string& why) {
  // What comes from outside is shown without its control characters.
  std::string shown;
  for (const char c : text.substr(0, 80)) shown.push_back(c >= 0x20 && c < 0x7f ? c : '?');
  return fail(ErrorCode::invalid_argument, "'" + shown + "' is not a domain name or an IP address: " + why,
              "give a name like api.example.com, *.example.com or 192.0.2.1");
}

bool is_label_character(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }

std::string broken_label(std::string_view label) {
  if (label.empty()) return "a label is empty";
  if (label.size() > kLongestLabel) return "a label is longer than 63 characters";
  if (label.front() == '-' || label.back() == '-') return "a label begins or ends with a hyphen";
  if (!std::all_of(label.begin(), label.end(), is_label_character)) {
    return "labels are made of letters, digits and hyphens (write other letters as their xn-- form)";
  }
  return {};
}

}  // namespace

Result<std::string> parse_domain(std::string_view text) {
  if (text.empty()) return bad(text, "it is empty");
  if (text.size() > kLongestName) return bad(text, "it is longer than 253 characters");
  if (text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos &&
      (text.find(':') != std::string_view::npos || text.find_first_not_of("0123456789.") == std::string_view::npos)) {
    const auto address = x509::parse_alternative_name("IP:" + std::string(text));
    if (address) return address->value;
    return bad(text, "it looks like an IP address but is none");
  }
  std::string name(text);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  std::string_view rest(name);
  if (rest.starts_with(kWildcard)) rest.remove_prefix(kWildcard.size());
  std::string_view last;
  while (true) {
    const std::size_t dot = rest.find('.');
    last = rest.substr(0, dot);
    const std::string broken = broken_label(last);
    if (!broken.empty()) return bad(text, broken);
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  // RFC 3696 section 2: no top-level name is all digits; it would be taken for an address.
  if (last.find_first_not_of("0123456789") == std::string_view::npos) return bad(text, "its last label is a number");
  return name;
}

std::string folder_name(const std::string& domain) {
  return domain.starts_with(kWildcard) ? std::string(kWildcardFolder) + domain.substr(kWildcard.size()) : domain;
}

Result<std::string> domain_of_folder(std::string_view folder) {
  const std::string name = folder.starts_with(kWildcardFolder)
                               ? std::string(kWildcard) + std::string(folder.substr(kWildcardFolder.size()))
                               : std::string(folder);
  std::string domain = TRY(parse_domain(name));
  if (folder_name(domain) != folder) return bad(folder, "it is not in lower case");
  return domain;
}

}  // namespace lockstep::certstore
