#include "x509/pem.h"

#include <openssl/evp.h>

#include "crypto/openssl_error.h"

namespace lockstep::x509 {

namespace {

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kEnd = "-----END ";
constexpr std::string_view kDashes = "-----";

std::unexpected<Error> bad(const std::string& why) { return fail(ErrorCode::parse_error, "broken PEM: " + why); }

Result<std::string> decode_base64(std::string_view text) {
  std::string digits;
  digits.reserve(text.size());
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == ' ' || c == '\t') continue;
    const bool known =
        (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=';
    if (!known) return bad("a character that is not Base64");
    digits.push_back(c);
  }
  const std::size_t padding = digits.ends_with("==") ? 2 : digits.ends_with('=') ? 1 : 0;
  if (digits.size() % 4 != 0 || digits.find('=') < digits.size() - padding) return bad("Base64 of a wrong length");
  std::string bytes(digits.size() / 4 * 3, '\0');
  const int length =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(digits.data()), static_cast<int>(digits.size()));
  if (length < 0) return bad("it is not Base64");
  bytes.resize(static_cast<std::size_t>(length) - padding);
  return bytes;
}

}  // namespace

Result<std::vector<PemBlock>> parse_pem(std::string_view text, std::size_t block_limit) {
  std::vector<PemBlock> blocks;
  std::size_t at = 0;
  while ((at = text.find(kBegin, at)) != std::string_view::npos) {
    if (blocks.size() == block_limit)
      return fail(ErrorCode::too_large, "more than " + std::to_string(block_limit) + " PEM blocks");
    const std::size_t label_at = at + kBegin.size();
    const std::size_t label_end = text.find(kDashes, label_at);
    if (label_end == std::string_view::npos || label_end - label_at > 64) return bad("a BEGIN line that does not end");
    const std::string label(text.substr(label_at, label_end - label_at));
    const std::string closing = std::string(kEnd) + label + std::string(kDashes);
    const std::size_t body = label_end + kDashes.size();
    const std::size_t end = text.find(closing, body);
    if (end == std::string_view::npos) return bad("'" + label + "' has no END line");
    std::string_view content = text.substr(body, end - body);
    // Headers (RFC 1421, "Proc-Type: …") end with an empty line; only keys that we do not read here have them.
    if (content.find(':') != std::string_view::npos) {
      const std::size_t blank = content.find("\n\n");
      content = blank == std::string_view::npos ? std::string_view() : content.substr(blank);
    }
    std::string der = TRY(decode_base64(content));
    blocks.push_back({label, std::move(der)});
    at = end + closing.size();
  }
  return blocks;
}

std::string encode_pem(std::string_view label, std::string_view der) {
  constexpr std::size_t kLine = 48;
  std::string text = std::string(kBegin) + std::string(label) + std::string(kDashes) + "\n";
  std::string line(65, '\0');
  while (!der.empty()) {
    const std::size_t count = std::min(kLine, der.size());
    const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(line.data()),
                                       reinterpret_cast<const unsigned char*>(der.data()), static_cast<int>(count));
    text.append(line, 0, static_cast<std::size_t>(length)).push_back('\n');
    der.remove_prefix(count);
  }
  return text + std::string(kEnd) + std::string(label) + std::string(kDashes) + "\n";
}

}  // namespace lockstep::x509
