#include "device/situation.h"

#include "crypto/private_key.h"
#include "fs/io.h"
#include "x509/request.h"

namespace lockstep::device {

namespace {

Result<std::string> read_text(fs::FileSystem& files, const std::string& path, const char* what) {
  auto text = fs::read_input(files, path, kIdentityLimit);
  if (!text) return fail(std::move(text).error().with_context(what));
  return std::move(*text);
}

// The public half that a request asks a certificate for; empty for one that cannot be read.
std::string key_of_request(const std::optional<PendingRequest>& request) {
  if (!request) return {};
  const auto parsed = x509::parse_request(request->request_pem, "the request");
  return parsed ? parsed->public_key_info : std::string();
}

std::string key_of(const std::optional<SecretBytes>& key_pem) {
  if (!key_pem) return {};
  const auto key = crypto::PrivateKey::from_pem(key_pem->reveal(), "the pending key");
  return key ? key->public_key_info() : std::string();
}

}  // namespace

Result<Situation> look_closely(durable::Runtime& runtime, const std::string& root, IdentityStorage& storage,
                               const DeviceSettings& settings, bool forced) {
  Situation situation;
  situation.state = TRY(load_state(runtime.files, root, settings.name));
  situation.live = TRY(storage.load());
  Facts& facts = situation.facts;
  facts.now = runtime.clock.now();
  facts.forced = forced;
  facts.can_recover = !settings.bootstrap_cert.empty() || !issuer_authenticates(settings.issuer);
  const std::string requested = key_of_request(situation.state.request);
  if (situation.live) {
    x509::Certificate leaf = TRY(leaf_of(situation.live->certificate_pem, "'" + storage.active_cert_path() + "'"));
    facts.live = Validity{leaf.not_before, leaf.not_after};
    facts.request_is_live =
        !requested.empty() && leaf.public_key_info == requested && leaf.serial != situation.state.request->replaces;
    situation.leaf = std::move(leaf);
  }
  const std::optional<SecretBytes> pending_key = TRY(storage.load_pending_key());
  const std::optional<Identity> pending = TRY(storage.load_pending());
  facts.pending_key = pending_key.has_value();
  facts.pending_identity = pending.has_value();
  facts.request_is_pending = !requested.empty() && key_of(pending_key) == requested;
  return situation;
}

Result<std::vector<x509::Certificate>> load_anchors(fs::FileSystem& files, const DeviceSettings& settings) {
  const std::string text = TRY(read_text(files, settings.ca, "the CA of the identity"));
  auto anchors = TRY(x509::parse_certificates(text, "'" + settings.ca + "'"));
  if (anchors.empty()) return fail(ErrorCode::parse_error, "'" + settings.ca + "' holds no certificate");
  return anchors;
}

Result<std::optional<Identity>> load_bootstrap(fs::FileSystem& files, const DeviceSettings& settings) {
  if (settings.bootstrap_cert.empty()) return std::optional<Identity>();
  std::string certificate = TRY(read_text(files, settings.bootstrap_cert, "the bootstrap certificate"));
  std::string key = TRY(read_text(files, settings.bootstrap_key, "the bootstrap key"));
  return std::optional(Identity{std::move(certificate), SecretBytes(std::move(key))});
}

}  // namespace lockstep::device
