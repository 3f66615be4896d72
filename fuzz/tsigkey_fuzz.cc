// Files with TSIG keys: what is accepted is a usable key, and reads back from each form that it can be written in; what
// is not is refused without the secret.
#include "dns/tsig_key.h"
#include "property.h"

namespace {

using namespace lockstep;
using namespace lockstep::dns;
using fuzz::require;

void check_same(const std::string& text, const TsigKey& key) {
  const auto read = parse_tsig_key(text, "written");
  const TsigKey& again = fuzz::must(read, "a key that was written is read");
  require(again.name == key.name && again.algorithm == key.algorithm && again.secret.reveal() == key.secret.reveal(),
          "a key reads back as it was written", text);
}

// What stands after the word "secret", wherever that is, as far as it could be one: base64, and no word of the errors'
// own, which the fuzzer learns to put there.
void check_hidden(std::string_view input, const Error& error) {
  constexpr std::size_t kShortest = 16;
  constexpr std::string_view kDigits = "0123456789";
  constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
  constexpr std::string_view kWord = "secret";
  for (std::size_t at = input.find(kWord); at != std::string_view::npos; at = input.find(kWord, at + 1)) {
    std::string_view rest = input.substr(at + kWord.size());
    // A word of its own: within a name it says nothing about what follows.
    const std::size_t begin = rest.find_first_not_of(" \t\r\n\":");
    if (begin == 0 || begin == std::string_view::npos) continue;
    rest.remove_prefix(begin);
    const std::string_view secret = rest.substr(0, rest.find_first_not_of(kBase64));
    if (secret.find_first_of(kDigits) == std::string_view::npos) continue;
    // The name may be the same text, and is no secret.
    if (secret.size() < kShortest || input.find(secret) != static_cast<std::size_t>(rest.data() - input.data()))
      continue;
    require(error.message.find(secret) == std::string::npos && error.hint.find(secret) == std::string::npos,
            "an error does not show the secret", error.message);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  const auto key = parse_tsig_key(input, "input");
  if (!key) {
    require(key.error().message.starts_with("input"), "an error names the file", key.error().message);
    require(key.error().message.size() + key.error().hint.size() <= 1000, "an error is of a bounded length");
    check_hidden(input, key.error());
    return 0;
  }
  require(check_tsig_key(*key).has_value(), "an accepted key is usable");
  const std::string secret(key->secret.reveal());
  check_same("key \"" + key->name + "\" {\n algorithm " + key->algorithm + ";\n secret \"" + secret + "\"; };\n", *key);
  check_same("key:\n- id: " + key->name + ".\n  algorithm: " + key->algorithm + "\n  secret: " + secret + "\n", *key);
  return 0;
}
