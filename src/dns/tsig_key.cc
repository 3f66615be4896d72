#include "dns/tsig_key.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

namespace lockstep::dns {

namespace {

constexpr std::array<std::string_view, 3> kAlgorithms{"hmac-sha256", "hmac-sha384", "hmac-sha512"};
constexpr std::size_t kLongestFile = 16U * 1024U;
constexpr std::size_t kLongestName = 253;
constexpr std::size_t kLongestLabel = 63;
constexpr std::size_t kShortestSecret = 24;  // base64 of 16 octets; shorter ones can be guessed
constexpr std::size_t kLongestSecret = 1024;
constexpr std::string_view kForm = R"(the form is: key "NAME" { algorithm hmac-sha256; secret "BASE64"; };)";

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool is_key_name(std::string_view name) {
  if (name.empty() || name.size() > kLongestName) return false;
  for (;;) {
    const std::size_t dot = name.find('.');
    const std::string_view label = name.substr(0, dot);
    const bool plain = std::ranges::all_of(label, [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; });
    if (label.empty() || label.size() > kLongestLabel || !plain) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

bool is_base64(std::string_view text) {
  if (text.size() % 4 != 0) return false;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  return std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '+' || c == '/'; });
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

enum class TokenType { word, symbol, end };

struct Token {
  TokenType type = TokenType::end;
  std::string_view text;
  std::size_t line = 1;
};

// The words and symbols of named.conf's syntax.
class Scanner {
 public:
  Scanner(std::string_view text, std::string_view file) : rest_(text), file_(file) {}

  Result<Token> next() {
    TRY(skip_blanks());
    if (rest_.empty()) return Token{TokenType::end, {}, line_};
    if (rest_.front() == '"') return quoted();
    if (std::string_view("{};").find(rest_.front()) != std::string_view::npos) {
      return Token{TokenType::symbol, take(1), line_};
    }
    const auto end = std::ranges::find_if(rest_, [](char c) {
      return is_blank(c) || c == '"' || c == '{' || c == '}' || c == ';' || c == '#' || c == '\0';
    });
    const auto length = static_cast<std::size_t>(end - rest_.begin());
    if (length == 0) return wrong(line_, "a character that does not belong here");
    return Token{TokenType::word, take(length), line_};
  }

  // Never with the text itself: it may be the secret, or a part of it.
  [[nodiscard]] std::unexpected<Error> wrong(std::size_t line, std::string_view what) const {
    return fail(ErrorCode::parse_error,
                std::string(file_) + ", line " + std::to_string(line) + ": " + std::string(what), std::string(kForm));
  }

 private:
  std::string_view take(std::size_t count) {
    const std::string_view taken = rest_.substr(0, count);
    line_ += static_cast<std::size_t>(std::ranges::count(taken, '\n'));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  Status skip_blanks() {
    for (;;) {
      if (rest_.empty()) return {};
      if (is_blank(rest_.front())) {
        take(1);
      } else if (rest_.starts_with('#') || rest_.starts_with("//")) {
        take(std::min(rest_.find('\n'), rest_.size()));
      } else if (rest_.starts_with("/*")) {
        const std::size_t end = rest_.find("*/", 2);
        if (end == std::string_view::npos) return wrong(line_, "a comment that does not end");
        take(end + 2);
      } else {
        return {};
      }
    }
  }

  Result<Token> quoted() {
    const std::size_t end = rest_.find_first_of("\"\n", 1);
    if (end == std::string_view::npos || rest_[end] == '\n') return wrong(line_, "a quotation that does not end");
    const std::string_view whole = take(end + 1);
    return Token{TokenType::word, whole.substr(1, whole.size() - 2), line_};
  }

  std::string_view rest_;
  std::string_view file_;
  std::size_t line_ = 1;
};

class Parser {
 public:
  Parser(std::string_view text, std::string_view file) : scanner_(text, file) {}

  Result<TsigKey> parse() {
    TsigKey key;
    const Token keyword = TRY(scanner_.next());
    if (keyword.text != "key") return scanner_.wrong(keyword.line, "'key' was expected");
    const Token name = TRY(word("the key's name"));
    key.name = lower(std::string(name.text));
    if (key.name.ends_with('.')) key.name.pop_back();
    TRY(symbol("{"));
    const Token closing = TRY(options());
    TRY(symbol(";"));
    const Token after = TRY(scanner_.next());
    if (after.type != TokenType::end) return scanner_.wrong(after.line, "text after the key; one key a file is read");
    if (!algorithm_) return scanner_.wrong(closing.line, "the key has no algorithm");
    if (!secret_) return scanner_.wrong(closing.line, "the key has no secret");
    key.algorithm = lower(std::string(*algorithm_));
    key.secret = SecretBytes(std::string(*secret_));
    return key;
  }

 private:
  Result<Token> word(std::string_view what) {
    const Token token = TRY(scanner_.next());
    if (token.type != TokenType::word) return scanner_.wrong(token.line, std::string(what) + " was expected");
    return token;
  }

  Status symbol(std::string_view which) {
    const Token token = TRY(scanner_.next());
    if (token.type == TokenType::symbol && token.text == which) return {};
    return scanner_.wrong(token.line, "'" + std::string(which) + "' was expected");
  }

  // Up to the closing brace.
  Result<Token> options() {
    for (;;) {
      const Token token = TRY(scanner_.next());
      if (token.type == TokenType::symbol && token.text == "}") return token;
      std::optional<std::string_view>* value = nullptr;
      if (token.text == "algorithm") value = &algorithm_;
      if (token.text == "secret") value = &secret_;
      if (token.type != TokenType::word || value == nullptr) {
        return scanner_.wrong(token.line, "'algorithm', 'secret' or '}' was expected");
      }
      if (*value) return scanner_.wrong(token.line, "'" + std::string(token.text) + "' is there twice");
      const Token given = TRY(word("a value"));
      *value = given.text;
      TRY(symbol(";"));
    }
  }

  Scanner scanner_;
  std::optional<std::string_view> algorithm_;
  std::optional<std::string_view> secret_;
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// The lines of a file that say something, with their numbers.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  // Empty at the end.
  std::string_view next() {
    while (!rest_.empty()) {
      const std::size_t end = std::min(rest_.find('\n'), rest_.size());
      const std::string_view line = trimmed(rest_.substr(0, end));
      rest_.remove_prefix(std::min(end + 1, rest_.size()));
      ++number_;
      if (!line.empty() && line.front() != '#') return line;
    }
    return {};
  }
  [[nodiscard]] std::size_t number() const { return number_; }

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

// Knot's form begins with this line.
constexpr std::string_view kKnotStart = "key:";

Result<TsigKey> parse_knot_key(std::string_view text, std::string_view file) {
  Lines lines(text);
  lines.next();
  const auto wrong = [&](std::string_view what) { return Scanner({}, file).wrong(lines.number(), what); };
  std::optional<std::string_view> name;
  std::optional<std::string_view> algorithm;
  std::optional<std::string_view> secret;
  for (std::string_view line = lines.next(); !line.empty(); line = lines.next()) {
    const bool begins_key = line.starts_with('-');
    if (begins_key == name.has_value()) return wrong("one key is read, and its '- id:' comes first");
    if (begins_key) line = trimmed(line.substr(1));
    const std::size_t colon = std::min(line.find(':'), line.size());
    const std::string_view word = line.substr(0, colon);
    std::optional<std::string_view>* value = nullptr;
    if (word == "id" && begins_key) value = &name;
    if (word == "algorithm" && !begins_key) value = &algorithm;
    if (word == "secret" && !begins_key) value = &secret;
    if (value == nullptr) return wrong("'id', 'algorithm' or 'secret' was expected");
    if (*value) return wrong("'" + std::string(word) + "' is there twice");
    std::string_view given = trimmed(line.substr(std::min(colon + 1, line.size())));
    if (given.size() >= 2 && given.front() == '"' && given.back() == '"') given = given.substr(1, given.size() - 2);
    *value = given;
  }
  if (!name || !algorithm || !secret) return wrong("the key has no id, algorithm or secret");
  TsigKey key{lower(std::string(*name)), lower(std::string(*algorithm)), SecretBytes(std::string(*secret))};
  if (key.name.ends_with('.')) key.name.pop_back();
  return key;
}

}  // namespace

Status check_tsig_key(const TsigKey& key) {
  if (!is_key_name(key.name)) {
    return fail(ErrorCode::invalid_argument, "the name of a TSIG key is not a domain name",
                "give the name that the name server's configuration has for the key");
  }
  const std::string what = "the TSIG key '" + key.name + "'";
  if (std::ranges::find(kAlgorithms, std::string_view(key.algorithm)) == kAlgorithms.end()) {
    return fail(ErrorCode::invalid_argument, what + " is for an algorithm that is not accepted",
                "make one for hmac-sha256, hmac-sha384 or hmac-sha512: tsig-keygen -a hmac-sha256 " + key.name);
  }
  const std::string_view secret = key.secret.reveal();
  if (secret.size() < kShortestSecret || secret.size() > kLongestSecret || !is_base64(secret)) {
    return fail(ErrorCode::invalid_argument, what + " has a secret that is not base64 of 16 octets or more",
                "copy it again from the name server's configuration, or make a new one with tsig-keygen");
  }
  return {};
}

Result<TsigKey> parse_tsig_key(std::string_view text, std::string_view file) {
  if (text.size() > kLongestFile) {
    return fail(ErrorCode::too_large,
                std::string(file) + " has more than " + std::to_string(kLongestFile) + " bytes; a key file is smaller");
  }
  const bool knot = Lines(text).next() == kKnotStart;
  TsigKey key = TRY(knot ? parse_knot_key(text, file) : Parser(text, file).parse());
  TRY_CONTEXT(check_tsig_key(key), std::string(file));
  return key;
}

}  // namespace lockstep::dns
