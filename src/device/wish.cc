#include "device/wish.h"

#include "crypto/key_algorithm.h"
#include "device/identity.h"
#include "x509/request.h"

namespace lockstep::device {

namespace {

Result<x509::Name> first_subject(const std::string& name) {
  std::string escaped;
  for (const char c : name) {
    if (std::string_view(",+\"\\<>;=#").find(c) != std::string_view::npos) escaped.push_back('\\');
    escaped.push_back(c);
  }
  return x509::Name::parse_text("CN=" + escaped);
}

// As x509::describe_public_key says it.
std::string_view description(crypto::KeyType type) {
  switch (type) {
    case crypto::KeyType::rsa2048: return "RSA 2048";
    case crypto::KeyType::rsa3072: return "RSA 3072";
    case crypto::KeyType::rsa4096: return "RSA 4096";
    case crypto::KeyType::ec256: return "ECDSA P-256";
    case crypto::KeyType::ec384: return "ECDSA P-384";
  }
  return "";
}

bool has_wished_key(const x509::Request& request, const DeviceSettings& settings,
                    const std::optional<x509::Certificate>& live) {
  const bool is_live_key = live && request.public_key_info == live->public_key_info;
  if (live && settings.renewal.reuse_key) return is_live_key;
  return !is_live_key && x509::describe_public_key(request.public_key_info) == description(settings.key_type);
}

}  // namespace

bool certifies_subject(const DeviceSettings& settings) { return settings.issuer != IssuerKind::acme; }

Result<Wish> wish_of(const DeviceSettings& settings, const std::optional<x509::Certificate>& live) {
  Wish wish;
  if (live) {
    if (certifies_subject(settings)) wish.subject = live->subject;
    wish.names = live->alternative_names;
    return wish;
  }
  if (certifies_subject(settings)) wish.subject = TRY(first_subject(settings.name));
  for (const std::string& text : settings.alternative_names) {
    x509::AlternativeName name = TRY(x509::parse_alternative_name(text));
    wish.names.push_back(std::move(name));
  }
  return wish;
}

Result<bool> asks_for_wish(const PendingRequest& request, const DeviceSettings& settings,
                           const std::optional<x509::Certificate>& live) {
  const Wish wish = TRY(wish_of(settings, live));
  const auto asked = x509::parse_request(request.request_pem, "the request");
  if (!asked || asked->subject.der() != wish.subject.der() || !has_wished_key(*asked, settings, live)) return false;
  if (wish.names.empty() || asked->alternative_names_der.empty())
    return wish.names.empty() && asked->alternative_names_der.empty();
  // Both as they come out of DER: what a person writes has more than one form.
  const std::string der = TRY(x509::encode_alternative_names(wish.names));
  const std::vector<x509::AlternativeName> wished = TRY(x509::decode_alternative_names(der));
  const auto names = x509::decode_alternative_names(asked->alternative_names_der);
  return names && same_names(*names, wished);
}

Enrolment enrolment_of(const DeviceSettings& settings) {
  return {.server = settings.server,
          .storage = std::string(storage_name(settings.storage)),
          .cert = settings.cert,
          .key = settings.key,
          .ca = settings.ca,
          .key_type = std::string(crypto::key_type_name(settings.key_type))};
}

bool same_place(const Enrolment& one, const Enrolment& other) {
  return one.storage == other.storage && one.cert == other.cert && one.key == other.key;
}

DeviceSettings settings_at(DeviceSettings settings, const Enrolment& enrolment) {
  const bool files = enrolment.storage == storage_name(StorageKind::files);
  settings.storage = files ? StorageKind::files : StorageKind::generations;
  settings.cert = enrolment.cert;
  settings.key = enrolment.key;
  return settings;
}

}  // namespace lockstep::device
