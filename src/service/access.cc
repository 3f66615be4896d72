#include "service/access.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/base64.h"
#include "crypto/digest.h"
#include "durable/atomic_file.h"
#include "fs/io.h"
#include "x509/chain.h"

namespace lockstep::service {

namespace {

constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kTokenFileBytes = 256;
constexpr std::size_t kShortestToken = 20;
constexpr std::uint32_t kOthers = 0077;

bool equal_in_constant_time(std::string_view one, std::string_view other) {
  if (one.size() != other.size()) return false;  // digests: always equal
  volatile unsigned char difference = 0;
  for (std::size_t i = 0; i < one.size(); ++i)
    difference = static_cast<unsigned char>(
        difference | (static_cast<unsigned char>(one[i]) ^ static_cast<unsigned char>(other[i])));
  return difference == 0;
}

bool is_token(std::string_view text) {
  return text.size() >= kShortestToken && text.find_first_not_of(
                                              "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                              "0123456789-_") == std::string_view::npos;
}

// A list that has run out still says what was revoked.
bool is_revoked(const x509::Certificate& certificate, const std::vector<x509::Crl>& lists) {
  return std::ranges::any_of(lists, [&](const x509::Crl& list) {
    if (list.issuer.der() != certificate.issuer.der()) return false;
    const auto entry = x509::find_revoked(list, certificate.serial);
    return !entry || entry->has_value();  // one that cannot be read admits nobody
  });
}

}  // namespace

Result<AccessToken> load_or_make_token(durable::Runtime& runtime, const std::string& path) {
  AccessToken token;
  const auto stat = runtime.files.stat_path(path);
  if (!stat && stat.error().system_errno != ENOENT) return fail(stat.error());
  if (!stat) {
    std::array<unsigned char, kTokenBytes> bytes{};
    runtime.random.fill(bytes);
    const std::string_view raw(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    token.text = SecretBytes(base64url_encode(raw));
    token.made = true;
    TRY(durable::atomic_write_text(runtime, path, std::string(token.text.reveal()) + "\n",
                                   {.mode = 0600, .replace = false}));
    return token;
  }
  if ((stat->mode & kOthers) != 0) {
    return fail(ErrorCode::permission_denied, "'" + path + "' may be read by others than its owner",
                "who could read it knows the token: remove the file, and a new one is made; or chmod 600 it");
  }
  std::string text = TRY(fs::read_input(runtime.files, path, kTokenFileBytes));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  if (!is_token(text)) {
    return fail(ErrorCode::damaged, "'" + path + "' holds no token: at least 20 letters, digits, '-' or '_'",
                "remove it, and a new one is made");
  }
  token.text = SecretBytes(std::move(text));
  return token;
}

void Access::replace(const AccessRules& rules) {
  auto held = std::make_shared<const Held>(
      Held{crypto::sha256_hex(rules.token.reveal()), rules.free_reading, rules.anchors, rules.lists});
  const std::lock_guard lock(mutex_);
  held_ = std::move(held);
}

std::shared_ptr<const Access::Held> Access::held() const {
  const std::lock_guard lock(mutex_);
  return held_;
}

Caller Access::identify(const http::ServerRequest& request, UnixSeconds now) const {
  const std::shared_ptr<const Held> rules = held();
  Caller caller;
  caller.may_read = rules->free_reading;
  const auto admit = [&](std::string who) {
    caller.who = std::move(who);
    caller.may_read = caller.may_write = true;
    return caller;
  };
  constexpr std::string_view kScheme = "bearer ";
  const std::string_view sent = request.header("authorization");
  if (!sent.empty()) {
    std::string scheme(sent.substr(0, kScheme.size()));
    for (char& c : scheme) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const std::string digest = crypto::sha256_hex(sent.substr(std::min(sent.size(), kScheme.size())));
    if (equal_in_constant_time(digest, rules->token_digest) && scheme == kScheme) return admit("token");
    caller.showed_wrong_token = true;
  }
  if (rules->anchors.empty() || request.peer_chain.empty()) return caller;
  std::vector<x509::Certificate> chain;
  for (const std::string& der : request.peer_chain) {
    auto parsed = x509::parse_certificate(der, "the client's certificate");
    if (!parsed) return caller;
    chain.push_back(std::move(*parsed));
  }
  const x509::Certificate leaf = chain.front();
  if (!leaf.client_auth || leaf.is_ca) return caller;
  chain.erase(chain.begin());
  if (is_revoked(leaf, rules->lists)) return caller;
  const auto verdict = x509::verify_chain(leaf, chain, rules->anchors, now);
  if (verdict && verdict->trusted) return admit("certificate: " + leaf.subject.to_text());
  return caller;
}

}  // namespace lockstep::service
