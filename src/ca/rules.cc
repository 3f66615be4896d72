#include "ca/rules.h"

namespace lockstep::ca {

namespace {

Refusal unauthenticated(std::string code, std::string message, std::string hint) {
  return {RefusalKind::unauthenticated, std::move(code), std::move(message), std::move(hint)};
}
Refusal forbidden(std::string code, std::string message, std::string hint) {
  return {RefusalKind::forbidden, std::move(code), std::move(message), std::move(hint)};
}

std::optional<Refusal> refuse_taken_name(const RegistryFacts& registry) {
  if (!registry.taken) return std::nullopt;
  return forbidden("name_taken", "an alternative name of the CSR is the name of the device '" + *registry.taken + "'",
                   "ask for the device's own names alone");
}

// Its time is the same question for both kinds of client certificates.
std::optional<Refusal> refuse_by_time(const ClientFacts& client, UnixSeconds now, const char* remedy) {
  if (now < client.not_before) {
    return unauthenticated("certificate_not_yet_valid",
                           "the client certificate is not valid before " + format_rfc3339(client.not_before),
                           "check the clocks of both machines");
  }
  if (now > client.not_after) {
    return unauthenticated("certificate_expired",
                           "the client certificate expired at " + format_rfc3339(client.not_after), remedy);
  }
  return std::nullopt;
}

std::optional<Refusal> refuse_unusable(const ClientFacts& client) {
  if (client.revoked) {
    return unauthenticated("certificate_revoked", "the client certificate is revoked",
                           "ask the CA's operator for a new enrolment");
  }
  if (!client.client_auth) {
    return unauthenticated("certificate_not_for_clients", "the client certificate is not meant to identify a client",
                           "use one that allows client authentication");
  }
  return std::nullopt;
}

std::optional<Refusal> decide_proactive(const RequestFacts& request, const std::optional<ClientFacts>& client,
                                        UnixSeconds now) {
  if (!client) {
    return unauthenticated("certificate_required", "a renewal needs the client certificate that is to be renewed",
                           "connect with it, or enroll with a token");
  }
  if (!client->issued_here) {
    return unauthenticated("certificate_unknown", "the client certificate is not one that this CA issued",
                           "use the certificate that is to be renewed; a bootstrap certificate goes with the reason "
                           "'expired'");
  }
  if (auto refusal = refuse_unusable(*client)) return refusal;
  if (auto refusal = refuse_by_time(*client, now, "send the reason 'expired' with the bootstrap certificate"))
    return refusal;
  if (request.subject != client->subject) {
    return forbidden("subject_differs",
                     "the CSR names '" + request.subject + "', the client certificate '" + client->subject + "'",
                     "a renewal keeps the subject");
  }
  if (request.alternative_names != client->alternative_names) {
    return forbidden("names_differ", "the CSR's alternative names are not those of the client certificate",
                     "a renewal keeps the alternative names");
  }
  return std::nullopt;
}

std::optional<Refusal> decide_expired(const RequestFacts& request, const std::optional<ClientFacts>& client,
                                      const RegistryFacts& registry, UnixSeconds now) {
  if (!client) {
    return unauthenticated("certificate_required", "the reason 'expired' needs the device's bootstrap certificate",
                           "connect with it");
  }
  if (!registry.device) {
    return unauthenticated("bootstrap_unknown", "the client certificate is no device's bootstrap certificate",
                           "register it: lockstep ca device add NAME --bootstrap CERT");
  }
  if (auto refusal = refuse_unusable(*client)) return refusal;
  if (auto refusal = refuse_by_time(*client, now, "register a bootstrap certificate that is valid")) return refusal;
  if (request.subject != registry.device->subject) {
    return forbidden("subject_differs",
                     "the CSR names '" + request.subject + "', the bootstrap certificate is that of the device '" +
                         registry.device->name + "'",
                     "ask for the subject '" + registry.device->subject + "'");
  }
  return refuse_taken_name(registry);
}

std::optional<Refusal> refuse_token(const RequestFacts& request, const RegistryFacts& registry, UnixSeconds now) {
  const char* make_another = "ask the CA's operator for another: lockstep ca token create";
  if (!registry.token) return forbidden("token_unknown", "this is no token of this CA", make_another);
  const Token& token = *registry.token;
  if (!token.used_by.empty()) return forbidden("token_used", "the token was used before", make_another);
  if (now > token.expires) {
    return forbidden("token_expired", "the token expired at " + format_rfc3339(token.expires), make_another);
  }
  if (!token.name.empty() && token.name != request.name) {
    return forbidden("token_for_another", "the token is not for the device '" + request.name + "'", make_another);
  }
  return std::nullopt;
}

std::optional<Refusal> decide_enroll(const RequestFacts& request, const RegistryFacts& registry, UnixSeconds now) {
  const Status good_name = check_device_name(request.name);
  if (!good_name) {
    return Refusal{RefusalKind::malformed, "name_malformed", good_name.error().message, good_name.error().hint};
  }
  if (auto refusal = refuse_token(request, registry, now)) return refusal;
  if (!has_common_name(request.subject, request.name)) {
    return forbidden(
        "subject_differs",
        "the CSR names '" + request.subject + "', which has not the common name " + request.name + " alone",
        "make a CSR for CN=" + request.name);
  }
  if (registry.device && !registry.device->bootstrap.empty() && !registry.device->enrolled &&
      registry.device->subject != request.subject) {
    return forbidden(
        "subject_differs",
        "the device '" + request.name + "' is registered with the subject '" + registry.device->subject + "'",
        "make a CSR for that subject");
  }
  const bool taken = (registry.device && registry.device->enrolled) || registry.subject_in_use;
  if (taken && !registry.token->reenroll) {
    return forbidden("already_enrolled", "'" + request.name + "' has a certificate already",
                     "to give it a new identity: lockstep ca token create --name " + request.name + " --reenroll");
  }
  return refuse_taken_name(registry);
}

}  // namespace

std::optional<Refusal> decide(const RequestFacts& request, const std::optional<ClientFacts>& client,
                              const RegistryFacts& registry, UnixSeconds now) {
  switch (request.reason) {
    case Reason::enroll: return decide_enroll(request, registry, now);
    case Reason::proactive: return decide_proactive(request, client, now);
    case Reason::expired: return decide_expired(request, client, registry, now);
  }
  LOCKSTEP_CHECK(false);
}

Result<std::set<std::string>> canonical_names(const std::vector<x509::AlternativeName>& names) {
  std::set<std::string> canonical;
  for (const x509::AlternativeName& name : names) {
    if (name.type == x509::AlternativeNameType::other) {
      return fail(ErrorCode::invalid_argument, "an alternative name is none of DNS, IP, URI and email");
    }
    std::string text = x509::to_text(name);
    if (name.type == x509::AlternativeNameType::dns) {
      for (std::size_t i = std::string_view("DNS:").size(); i < text.size(); ++i) {
        if (text[i] >= 'A' && text[i] <= 'Z') text[i] = static_cast<char>(text[i] - 'A' + 'a');
      }
    }
    canonical.insert(std::move(text));
  }
  return canonical;
}

Result<std::set<std::string>> requested_names(const x509::Request& request) {
  if (request.alternative_names_der.empty()) return std::set<std::string>();
  const std::vector<x509::AlternativeName> names = TRY(x509::decode_alternative_names(request.alternative_names_der));
  if (names.size() > kMostAlternativeNames) {
    return fail(ErrorCode::invalid_argument, "the CSR has " + std::to_string(names.size()) +
                                                 " alternative names, the limit is " +
                                                 std::to_string(kMostAlternativeNames));
  }
  return canonical_names(names);
}

bool has_common_name(std::string_view subject, std::string_view name) {
  std::size_t common_names = 0;
  bool found = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= subject.size(); ++i) {
    if (i < subject.size() && subject[i] == '\\') {
      ++i;  // what is escaped separates nothing
      continue;
    }
    if (i < subject.size() && subject[i] != ',' && subject[i] != '+') continue;
    const std::string_view part = subject.substr(begin, i - begin);
    if (part.starts_with("CN=")) {
      ++common_names;
      found = part.substr(3) == name;
    }
    begin = i + 1;
  }
  return common_names == 1 && found;
}

}  // namespace lockstep::ca
