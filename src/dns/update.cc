#include "dns/update.h"

#include "dns/message.h"
#include "dns/tsig.h"

namespace lockstep::dns {

namespace {

// RFC 1035 section 4.1.1 and RFC 2136 section 2.2.
constexpr int kNoError = 0;
constexpr int kServerFailure = 2;
constexpr int kNoSuchName = 3;
constexpr int kNotImplemented = 4;
constexpr int kRefused = 5;
constexpr int kNotAuthoritative = 9;
constexpr int kNotZone = 10;

constexpr int kLongestChain = 8;  // of aliases

std::string rcode_name(int rcode) {
  switch (rcode) {
    case 1: return "FORMERR";
    case kServerFailure: return "SERVFAIL";
    case kNoSuchName: return "NXDOMAIN";
    case kNotImplemented: return "NOTIMP";
    case kRefused: return "REFUSED";
    case 6: return "YXDOMAIN";
    case 7: return "YXRRSET";
    case 8: return "NXRRSET";
    case kNotAuthoritative: return "NOTAUTH";
    case kNotZone: return "NOTZONE";
    default: return "RCODE " + std::to_string(rcode);
  }
}

// What an operator can do about a refused update.
std::unexpected<Error> refusal(int rcode, const std::string& what, const std::string& name, const std::string& zone,
                               const TsigKey& key) {
  const std::string message = what + ": the name server says " + rcode_name(rcode);
  switch (rcode) {
    case kRefused:
      return fail(ErrorCode::permission_denied, message + ": the key '" + key.name + "' may not change that name",
                  "allow it in the zone's configuration; in BIND: update-policy { grant " + key.name + " name " + name +
                      ". TXT; };");
    case kNotAuthoritative:
      return fail(ErrorCode::permission_denied, message + ": it does not take changes of the zone '" + zone + "'",
                  "give the zone's primary server, and a key that this server knows");
    case kNotZone: return fail(ErrorCode::io_error, message, "the name is not in the zone '" + zone + "'");
    case kNotImplemented:
      return fail(ErrorCode::io_error, message, "it takes no dynamic updates: turn them on, or use --dns HOOK");
    case kServerFailure:
      return fail(ErrorCode::io_error, message, "look at its log: it may not be able to write its zone or journal");
    default: return fail(ErrorCode::io_error, message, "look at the name server's log");
  }
}

}  // namespace

// Where a record really is, once aliases are followed.
struct Updater::Place {
  std::string name;
  std::string zone;
};

Result<std::string> Updater::ask(std::string_view message) {
  const SignedMessage request = TRY(sign_message(message, key_, clock_.now()));
  std::string wire = TRY(exchange(clock_, server_, request.wire, timeout_));
  Status verified = verify_answer(wire, key_, request.mac, clock_.now());
  if (verified) return wire;
  // What is not signed proves nothing, but may help the reader.
  const auto answer = parse_answer(wire, "");
  Error error = std::move(verified).error();
  if (answer && answer->rcode != kNoError && error.code == ErrorCode::untrusted) {
    error.message += "; unsigned, it says " + rcode_name(answer->rcode);
  }
  return fail(std::move(error));
}

// The zone that the name is in, when the server has it; or only the alias that stands at the name.
Result<std::string> Updater::find_zone(const std::string& name, std::string* alias) {
  for (std::string each = name;;) {
    const std::uint16_t id = next_id_++;
    const std::string query = TRY(make_soa_query(id, each));
    const std::string wire = TRY(ask(query));
    const Answer answer = TRY(parse_answer(wire, each));
    if (answer.id != id || !answer.is_response) {
      return fail(ErrorCode::untrusted, "the name server answered another question");
    }
    if (each == name && !answer.alias.empty()) {
      *alias = answer.alias;
      return std::string();
    }
    const bool answered = answer.rcode == kNoError || answer.rcode == kNoSuchName;
    if (answered && answer.authoritative && !answer.zone.empty() && is_below(name, answer.zone)) return answer.zone;
    if (!answered && answer.rcode != kRefused && answer.rcode != kNotAuthoritative) {
      return fail(ErrorCode::io_error,
                  "asked for the zone of '" + name + "' the name server says " + rcode_name(answer.rcode),
                  "look at the name server's log");
    }
    const std::size_t dot = each.find('.');
    if (dot == std::string::npos) break;
    each.erase(0, dot + 1);
  }
  return fail(ErrorCode::not_found, "the name server " + server_.host + " has no zone for '" + name + "'",
              "give the primary server of that zone; if the name is an alias, that of its target");
}

Result<Updater::Place> Updater::find(std::string name) {
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  const std::string first = name;
  for (int step = 0; step <= kLongestChain; ++step) {
    std::string alias;
    std::string zone = TRY(find_zone(name, &alias));
    if (!zone.empty()) return Place{std::move(name), std::move(zone)};
    name = std::move(alias);
  }
  return fail(ErrorCode::too_large,
              "'" + first + "' leads through more than " + std::to_string(kLongestChain) + " aliases",
              "correct the CNAME records; they may lead in a circle");
}

Status Updater::change(const std::string& name, const std::string& value, TxtChange change) {
  const std::string what =
      (change == TxtChange::add ? "cannot add the TXT record '" : "cannot remove the TXT record '") + name + "'";
  const Place place = TRY_CONTEXT(find(name), what);
  const std::uint16_t id = next_id_++;
  const std::string update = TRY_CONTEXT(make_txt_update(id, place.zone, place.name, value, change), what);
  const std::string wire = TRY_CONTEXT(ask(update), what);
  const Answer answer = TRY_CONTEXT(parse_answer(wire, place.name), what);
  if (answer.id != id || !answer.is_response) {
    return fail(ErrorCode::untrusted, what + ": the name server answered another question");
  }
  if (answer.rcode != kNoError) return refusal(answer.rcode, what, place.name, place.zone, key_);
  return {};
}

Status Updater::add_txt(const std::string& name, const std::string& value) {
  return change(name, value, TxtChange::add);
}

Status Updater::remove_txt(const std::string& name, const std::string& value) {
  return change(name, value, TxtChange::remove);
}

}  // namespace lockstep::dns
