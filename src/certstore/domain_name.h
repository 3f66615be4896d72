// The names that a certificate folder may have: DNS names and IP addresses, nothing that a path could be made of.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace lockstep::certstore {

// A DNS name in lower case (letters, digits, hyphens; a leading "*." allowed; at most 253 bytes, labels at most 63,
// without a trailing dot), or an IP address in its canonical form. Errors: invalid_argument saying what is wrong.
Result<std::string> parse_domain(std::string_view text);

// The folder of a parsed name: "api.example.com", "_wildcard.example.com", "2001:db8::1".
std::string folder_name(const std::string& domain);
// The name of a folder; the inverse of folder_name. Error: invalid_argument for a folder that no name has.
Result<std::string> domain_of_folder(std::string_view folder);

}  // namespace lockstep::certstore
