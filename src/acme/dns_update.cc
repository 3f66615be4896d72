// dns-01 by dynamic updates of the zone (RFC 8555 section 8.4, RFC 2136).
#include "acme/solvers.h"
#include "dns/update.h"

namespace lockstep::acme {

namespace {

class DnsUpdate final : public ChallengeSolver {
 public:
  DnsUpdate(Clock& clock, dns::ServerAddress server, dns::TsigKey key, const DnsUpdateOptions& options)
      : clock_(clock),
        updater_(clock, std::move(server), std::move(key), options.timeout),
        propagation_(options.propagation) {}

  [[nodiscard]] std::string_view challenge_type() const override { return "dns-01"; }

  Status present(const ChallengeTask& task) override {
    TRY(require_dns_name(task));
    const std::string value = dns_record_value(task.key_authorization);
    Status added = updater_.add_txt(dns_record_name(task), value);
    if (!added) return take_back(task, std::move(added).error());
    if (propagation_.count() > 0) clock_.sleep_for(propagation_);
    return {};
  }

  Status clean_up(const ChallengeTask& task) override {
    if (task.type != IdentifierType::dns) return {};
    return updater_.remove_txt(dns_record_name(task), dns_record_value(task.key_authorization));
  }

 private:
  // An answer that was lost or could not be believed may be one to an update that was done.
  Status take_back(const ChallengeTask& task, Error error) {
    const bool uncertain = error.code == ErrorCode::io_error || error.code == ErrorCode::untrusted;
    if (!uncertain) return fail(std::move(error));
    const Status removed = clean_up(task);
    if (removed) return fail(std::move(error));
    return fail(std::move(error).with_hint("the record may be left behind: " + removed.error().message));
  }

  Clock& clock_;
  dns::Updater updater_;
  const std::chrono::milliseconds propagation_;
};

}  // namespace

Result<std::unique_ptr<ChallengeSolver>> make_dns_update(Clock& clock, DnsUpdateOptions options) {
  dns::ServerAddress server = TRY(dns::parse_server(options.server));
  dns::TsigKey key{std::move(options.key_name), std::move(options.algorithm), std::move(options.secret)};
  TRY(dns::check_tsig_key(key));
  return std::make_unique<DnsUpdate>(clock, std::move(server), std::move(key), options);
}

Status read_dns_key(std::string_view text, const std::string& name, DnsUpdateOptions* options) {
  dns::TsigKey key = TRY(dns::parse_tsig_key(text, name));
  options->key_name = std::move(key.name);
  options->algorithm = std::move(key.algorithm);
  options->secret = std::move(key.secret);
  return {};
}

}  // namespace lockstep::acme
