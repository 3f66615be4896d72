#include "ca/registrar.h"

#include <map>
#include <unordered_set>

#include "base/json.h"
#include "crypto/digest.h"
#include "x509/pem.h"

namespace lockstep::ca {

namespace {

using Kind = Answer::Kind;

struct Client {
  x509::Certificate certificate;
  std::string fingerprint;
  std::optional<Serial> serial;  // where it may be one of this CA's
};

// Nothing for bytes that are no certificate: TLS has accepted them, so only an exotic one comes to that.
std::optional<Client> read_client(const std::string& der, const x509::Certificate& authority) {
  if (der.empty()) return std::nullopt;
  auto certificate = x509::parse_certificate(der, "the client certificate");
  if (!certificate) return std::nullopt;
  Client client{std::move(*certificate), crypto::sha256_hex(der), {}};
  if (client.certificate.issuer.der() == authority.subject.der()) {
    const auto serial = parse_serial(client.certificate.serial);
    if (serial) client.serial = *serial;
  }
  return client;
}

Refusal malformed(std::string code, const Error& error) {
  return {RefusalKind::malformed, std::move(code), error.message, error.hint};
}

std::string describe(const Client& client) {
  return client.certificate.subject.to_text() + " (serial " + client.certificate.serial + ")";
}

}  // namespace

std::string application_id(const Application& application) {
  const std::string client = application.reason == Reason::enroll ? "token " + application.token_hash
                                                                  : std::string(reason_name(application.reason)) + " " +
                                                                        crypto::sha256_hex(application.client_der);
  return crypto::sha256_hex("lockstep request\n" + client + "\n" + crypto::sha256_hex(application.csr_der));
}

// What one call of process() knows.
class Registrar::Batch {
 public:
  Batch(LedgerWriter& ledger, Registry& registry, const RegistrarOptions& options, Signer signer, UnixSeconds now)
      : ledger_(ledger), registry_(registry), options_(options), signer_(std::move(signer)), now_(now) {}

  Result<std::vector<Answer>> run(const std::vector<Application>& applications, const std::vector<Lookup>& lookups) {
    TRY(read_index(applications, lookups));
    std::vector<Answer> answers;
    for (const Application& application : applications) {
      Answer answer = TRY(decide_one(application));
      answers.push_back(std::move(answer));
    }
    const std::vector<RecordChange> changes = registry_.changes();
    if (!issued_.empty())
      TRY(ledger_.issue(issued_, changes));
    else
      // What an earlier run left visible is shown only when it is on disk.
      TRY(ledger_.make_durable());
    registry_.committed(ledger_);
    for (const Lookup& lookup : lookups) {
      Answer answer = TRY(look_up(lookup));
      answers.push_back(std::move(answer));
    }
    return answers;
  }

 private:
  // One pass over the index for everything that the batch has to know of it.
  Status read_index(const std::vector<Application>& applications, const std::vector<Lookup>& lookups) {
    std::unordered_set<std::string> wanted;    // serials
    std::unordered_set<std::string> subjects;  // of enrolments, in lower case
    const auto want_client = [&](const std::string& der) {
      const auto client = read_client(der, signer_.authority.certificate);
      if (client && client->serial) wanted.insert(serial_to_hex(*client->serial));
    };
    const auto want_request = [&](const std::string& id) {
      const auto serial = registry_.request(id);
      if (serial) wanted.insert(serial_to_hex(*serial));
    };
    for (const Application& application : applications) {
      want_client(application.client_der);
      want_request(application_id(application));
      if (application.reason != Reason::enroll) continue;
      const auto request = x509::parse_request(application.csr_der, "the request");
      if (request) subjects.insert(lower_case(request->subject.to_text()));
    }
    for (const Lookup& lookup : lookups) {
      want_client(lookup.client_der);
      want_request(lookup.id);
    }
    if (wanted.empty() && subjects.empty()) return {};
    return ledger_.for_each_line([&](std::string_view line) -> Status {
      const EntryGlance glance = TRY(glance_entry(line));
      const bool named = wanted.contains(std::string(glance.serial));
      if (!named && subjects.empty()) return {};
      if (!named && !glance.revoked) {
        // The escapes of JSON are resolved only where they may matter.
        const std::string_view raw = subject_of_line(line);
        if (raw.find('\\') == std::string_view::npos && !subjects.contains(lower_case(raw))) return {};
      } else if (!named) {
        return {};
      }
      IndexEntry entry = TRY(decode_entry(line));
      const std::string subject = lower_case(entry.subject);
      if (!entry.revocation && now_ <= entry.not_after && subjects.contains(subject)) in_use_.insert(subject);
      if (named) entries_.emplace(entry.serial, std::move(entry));
      return {};
    });
  }

  [[nodiscard]] const IndexEntry* entry(Serial serial) const {
    const auto found = entries_.find(serial);
    return found == entries_.end() ? nullptr : &found->second;
  }

  // The index names the client's serial, and the certificate on disk is the client's to the last byte.
  Result<bool> is_issued_here(const Client& client) {
    if (!client.serial || entry(*client.serial) == nullptr) return false;
    const std::string pem = TRY(ledger_.certificate(*client.serial));
    const x509::Certificate stored = TRY(x509::parse_certificate(pem, serial_to_hex(*client.serial) + ".pem"));
    return stored.der == client.certificate.der;
  }

  Result<ClientFacts> facts_of(const Client& client) {
    ClientFacts facts;
    facts.issued_here = TRY(is_issued_here(client));
    facts.revoked = facts.issued_here && entry(*client.serial)->revocation.has_value();
    facts.client_auth = client.certificate.client_auth && !client.certificate.is_ca;
    facts.subject = client.certificate.subject.to_text();
    // A form of name that is none of ours makes the set one that no request can have.
    facts.alternative_names = canonical_names(client.certificate.alternative_names).value_or(std::set<std::string>{""});
    facts.not_before = client.certificate.not_before;
    facts.not_after = client.certificate.not_after;
    return facts;
  }

  RegistryFacts registry_facts(const Application& application, const RequestFacts& request,
                               const std::optional<Client>& client) {
    RegistryFacts facts;
    const Device* device = nullptr;
    if (application.reason == Reason::enroll) {
      const Token* token = application.token_hash.empty() ? nullptr : registry_.token(application.token_hash);
      if (token != nullptr) facts.token = *token;
      device = registry_.device(application.name);
      facts.subject_in_use = in_use_.contains(lower_case(request.subject));
    } else if (application.reason == Reason::expired && client) {
      device = registry_.device_with_bootstrap(client->fingerprint);
    }
    if (device != nullptr) facts.device = *device;
    const std::string own = device != nullptr ? device->name : application.name;
    for (const std::string& name : request.alternative_names) {
      const Device* other = name.starts_with("DNS:") ? registry_.device(name.substr(4)) : nullptr;
      if (other != nullptr && lower_case(other->name) != lower_case(own)) facts.taken = other->name;
    }
    return facts;
  }

  Result<Answer> decide_one(const Application& application) {
    Answer answer;
    answer.id = application_id(application);
    const auto client = read_client(application.client_der, signer_.authority.certificate);
    if (client) answer.client = describe(*client);
    const auto refuse = [&](Refusal refusal) {
      answer.kind = Kind::refused;
      answer.refusal = std::move(refusal);
      return answer;
    };
    const auto request = accept_request(application.csr_der, "the request");
    if (!request) return refuse(malformed("bad_csr", request.error()));
    answer.csr_subject = request->subject.to_text();
    auto names = requested_names(*request);
    if (!names) return refuse(malformed("bad_csr", names.error()));
    const RequestFacts facts{application.reason, application.name, answer.csr_subject, std::move(*names)};
    std::optional<ClientFacts> client_facts;
    if (client) client_facts = TRY(facts_of(*client));
    const bool blocked = client_facts && client_facts->revoked && application.reason != Reason::enroll;
    bool repeated = false;
    if (!blocked) repeated = TRY(repeat(answer, application));
    if (repeated) return answer;
    auto refusal = decide(facts, client_facts, registry_facts(application, facts, client), now_);
    if (refusal) return refuse(std::move(*refusal));
    return grant(std::move(answer), application, *request, client);
  }

  // True when the request was granted before and `answer` says what with.
  Result<bool> repeat(Answer& answer, const Application& application) {
    const auto serial = registry_.request(answer.id);
    if (!serial) return false;
    for (const IssuedCertificate& issued : issued_) {
      if (issued.entry.serial == *serial) return fill(answer, *serial, issued.pem);
    }
    const IndexEntry* known = entry(*serial);
    if (known == nullptr) {
      return fail(ErrorCode::damaged,
                  "a granted request names serial " + serial_to_hex(*serial) + ", which is not in " + "the index",
                  "run 'lockstep doctor'");
    }
    if (known->revocation) {
      answer.kind = Kind::refused;
      answer.refusal = {RefusalKind::forbidden, "certificate_revoked",
                        "the certificate that was issued for this request is revoked", "make a new key and a new CSR"};
      return true;
    }
    // Over: the same request again is a new one. A token does not come to that: it was used.
    if (now_ > known->not_after && application.reason != Reason::enroll) return false;
    const std::string pem = TRY(ledger_.certificate(*serial));
    return fill(answer, *serial, pem);
  }

  bool fill(Answer& answer, Serial serial, const std::string& pem) {
    answer.kind = Kind::repeated;
    answer.serial = serial;
    answer.certificate = with_chain(pem);
    return true;
  }

  // The root is the whole chain.
  [[nodiscard]] std::string with_chain(const std::string& pem) const {
    return pem + x509::to_pem(signer_.authority.certificate);
  }

  Result<Answer> grant(Answer answer, const Application& application, const x509::Request& request,
                       const std::optional<Client>& client) {
    const IssuePolicy policy{.profile = Profile::client, .validity_seconds = options_.validity_seconds};
    const Serial serial = ledger_.next_serial() + issued_.size();
    auto issued = issue_one(signer_, request, policy, serial, now_);
    if (!issued && issued.error().code == ErrorCode::invalid_argument) {
      answer.refusal = malformed("bad_csr", issued.error());
      return answer;
    }
    if (!issued) return fail(std::move(issued).error());
    RequestRecord record{.id = answer.id, .serial = serial, .reason = application.reason, .client = {}, .at = now_};
    switch (application.reason) {
      case Reason::enroll:
        record.client = "token:" + application.token_hash;
        registry_.enroll(application.token_hash, answer.id,
                         {.name = application.name,
                          .subject = answer.csr_subject,
                          .bootstrap = {},
                          .added = now_,
                          .enrolled = true});
        in_use_.insert(lower_case(answer.csr_subject));
        break;
      case Reason::proactive: record.client = "certificate:" + client->certificate.serial; break;
      case Reason::expired: record.client = "bootstrap:" + client->fingerprint; break;
    }
    registry_.add_request(record);
    answer.kind = Kind::issued;
    answer.serial = serial;
    answer.certificate = with_chain(issued->pem);
    issued_.push_back({std::move(issued->entry), std::move(issued->pem)});
    return answer;
  }

  Result<Answer> look_up(const Lookup& lookup) {
    Answer answer;
    answer.kind = Kind::not_found;
    answer.id = lookup.id;
    const auto client = read_client(lookup.client_der, signer_.authority.certificate);
    if (!client) return answer;
    answer.client = describe(*client);
    const auto serial = registry_.request(lookup.id);
    if (!serial) return answer;
    const std::string pem = TRY(ledger_.certificate(*serial));
    const x509::Certificate issued = TRY(x509::parse_certificate(pem, serial_to_hex(*serial) + ".pem"));
    answer.csr_subject = issued.subject.to_text();
    const ClientFacts facts = TRY(facts_of(*client));
    const Device* device = registry_.device_with_bootstrap(client->fingerprint);
    const bool same = facts.issued_here && !facts.revoked && facts.subject == answer.csr_subject;
    const bool bootstrap = device != nullptr && device->subject == answer.csr_subject;
    if (same || bootstrap) fill(answer, *serial, pem);
    return answer;
  }

  LedgerWriter& ledger_;
  Registry& registry_;
  const RegistrarOptions& options_;
  Signer signer_;
  UnixSeconds now_;
  std::map<Serial, IndexEntry> entries_;    // those that the batch asks about
  std::unordered_set<std::string> in_use_;  // subjects of enrolments that a certificate in use has, in lower case
  std::vector<IssuedCertificate> issued_;
};

Result<std::vector<Answer>> Registrar::process(const std::vector<Application>& applications,
                                               const std::vector<Lookup>& lookups, UnixSeconds now) {
  const std::unique_ptr<LedgerWriter> writer = TRY(ledger_.write());
  TRY(registry_.load(*writer));
  Signer signer = TRY(load_signer(*writer));
  auto answers = Batch(*writer, registry_, options_, std::move(signer), now).run(applications, lookups);
  if (!answers) registry_.forget();
  return answers;
}

}  // namespace lockstep::ca
