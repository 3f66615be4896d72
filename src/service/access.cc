#include "service/access.h"

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

Access::Access(const SecretBytes& token, bool free_reading, std::vector<x509::Certificate> anchors)
    : token_digest_(crypto::sha256_hex(token.reveal())), free_reading_(free_reading), anchors_(std::move(anchors)) {}

Caller Access::identify(const http::ServerRequest& request, UnixSeconds now) const {
  Caller caller;
  caller.may_read = free_reading_;
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
    if (equal_in_constant_time(digest, token_digest_) && scheme == kScheme) return admit("token");
    caller.showed_wrong_token = true;
  }
  if (anchors_.empty() || request.peer_chain.empty()) return caller;
  std::vector<x509::Certificate> chain;
  for (const std::string& der : request.peer_chain) {
    auto parsed = x509::parse_certificate(der, "the client's certificate");
    if (!parsed) return caller;
    chain.push_back(std::move(*parsed));
  }
  const x509::Certificate leaf = chain.front();
  if (!leaf.client_auth || leaf.is_ca) return caller;
  chain.erase(chain.begin());
  const auto verdict = x509::verify_chain(leaf, chain, anchors_, now);
  if (verdict && verdict->trusted) return admit("certificate: " + leaf.subject.to_text());
  return caller;
}

}  // namespace lockstep::service
