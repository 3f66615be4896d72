#include "agent/identity_order.h"

#include "agent/order_placing.h"
#include "agent/order_run.h"
#include "crypto/digest.h"
#include "x509/pem_input.h"
#include "x509/request.h"

namespace lockstep::agent {

namespace {

// One request, from the journal that an earlier run may have left to the certificate.
class IdentityOrder {
 public:
  IdentityOrder(ObtainTools& tools, const CertificateSettings& settings, std::string request_der, std::string replaces)
      : tools_(tools),
        settings_(settings),
        request_der_(std::move(request_der)),
        request_sha256_(crypto::sha256_hex(request_der_)),
        replaces_(std::move(replaces)),
        domain_(settings.domain()) {}

  Result<acme::DownloadedChain> run() {
    const auto lock = TRY(lock_orders(tools_.runtime, tools_.root, domain_));
    journal_ = TRY(load_journal(tools_.runtime.files, tools_.root, domain_));
    if (journal_ && !is_ours(*journal_)) TRY(forget());
    resumed_ = journal_.has_value();
    auto chain = attempt();
    // The server forgot the account, and with it the order: both are made anew, once.
    if (!chain && chain.error().code == ErrorCode::acme_account_unknown) {
      TRY(forget());
      TRY(tools_.accounts.register_again(account_url_));
      chain = attempt();
    }
    if (!chain && chain.error().code == ErrorCode::acme_order_lost && resumed_) {
      tools_.say(domain_, "the order of the run before is over; placing another");
      TRY(forget());
      chain = attempt();
    }
    if (!chain && !can_go_on(chain.error().code)) {
      const Status forgotten = forget();
      if (!forgotten) return fail(std::move(chain).error().with_hint("left behind: " + forgotten.error().message));
    }
    return chain;
  }

 private:
  // The same bytes for the same renewal: a key that is kept may give the same request again, for the next one.
  [[nodiscard]] bool is_ours(const OrderJournal& journal) const {
    return journal.request_sha256 == request_sha256_ && journal.old_serial == replaces_ &&
           journal.settings.server == settings_.server && journal.settings.profile == settings_.profile;
  }

  Result<acme::DownloadedChain> attempt() {
    const auto account = TRY(tools_.accounts.get());
    account_url_ = account->url;
    if (journal_ && journal_->account_url != account->url) {
      tools_.say(domain_, "the unfinished order is of another account; placing another");
      TRY(forget());
    }
    std::optional<acme::Order> order;
    if (!journal_) {
      tools_.say(domain_, "ordering a certificate for the device");
      auto placed = TRY(place_order(tools_, *account, settings_, nullptr));
      journal_ = OrderJournal{.settings = settings_,
                              .account_url = account->url,
                              .order_url = placed.url,
                              .old_serial = replaces_,
                              .request_sha256 = request_sha256_,
                              .placed_at = tools_.runtime.clock.now(),
                              .finalizing = false,
                              .presented = {}};
      TRY(save_journal(tools_.runtime, tools_.root, domain_, *journal_));
      order = std::move(placed.order);
    }
    OrderRun run(tools_, *account, domain_, *journal_, true);
    auto chain = run.drive(std::move(order), request_der_, settings_.preferred_chain, [] { return Status(); });
    // A proof that is not needed any more goes, whatever the order came to.
    const Status cleaned = run.clean_up();
    if (chain && !cleaned) tools_.say(domain_, "a proof could not be taken away: " + cleaned.error().message);
    return chain;
  }

  // The proofs first: as long as the journal is there, the next run knows that something is to be taken away.
  Status forget() {
    if (journal_ && !journal_->presented.empty()) {
      // By the way that they were put there, which need not be today's.
      acme::ChallengeSolver* solver = TRY(tools_.solver_for(journal_->settings.challenge));
      for (const acme::ChallengeTask& task : journal_->presented) TRY(solver->clean_up(task));
    }
    journal_.reset();
    return remove_journal(tools_.runtime, tools_.root, domain_);
  }

  ObtainTools& tools_;
  const CertificateSettings& settings_;
  std::string request_der_;
  std::string request_sha256_;
  std::string replaces_;
  std::string domain_;
  std::string account_url_;
  std::optional<OrderJournal> journal_;
  bool resumed_ = false;
};

class AcmeIssuer final : public device::Issuer {
 public:
  AcmeIssuer(Toolbox& toolbox, CertificateSettings settings, std::string root)
      : toolbox_(toolbox), settings_(std::move(settings)), root_(std::move(root)) {}

  Result<device::Issued> request(const device::IssueRequest& request, const device::Identity*) override {
    constexpr std::string_view kName = "the device's request";
    const x509::Request parsed = TRY(x509::parse_request(request.request_pem, kName));
    std::string der =
        TRY(x509::single_der(request.request_pem, {.label = "CERTIFICATE REQUEST", .noun = "request", .name = kName}));
    CertificateSettings settings = settings_;
    settings.names = TRY(names_of(parsed));
    ObtainTools tools = TRY(toolbox_.tools(settings));
    tools.root = root_;
    const acme::DownloadedChain chain = TRY(IdentityOrder(tools, settings, std::move(der), request.replaces).run());
    return device::Issued{.id = request.id, .certificate_pem = chain.pem, .ask_again = 0};
  }

  Result<device::Verdict> check(const device::Identity&, const std::string&) override {
    return device::Verdict::accepted;
  }

 private:
  static Result<std::vector<std::string>> names_of(const x509::Request& request) {
    std::vector<std::string> names;
    if (!request.alternative_names_der.empty()) {
      const auto all = TRY(x509::decode_alternative_names(request.alternative_names_der));
      for (const x509::AlternativeName& name : all) {
        const bool usable = name.type == x509::AlternativeNameType::dns || name.type == x509::AlternativeNameType::ip;
        if (!usable)
          return fail(ErrorCode::invalid_argument,
                      "an ACME CA certifies DNS names and IP addresses only, not '" + name.value + "'",
                      "see 'names' of [device.identity]");
        names.push_back(name.value);
      }
    }
    if (names.empty())
      return fail(ErrorCode::invalid_argument, "the device has no DNS name or IP address that an ACME CA could certify",
                  "give it one: names = [\"DNS:…\"] in [device.identity]");
    return names;
  }

  Toolbox& toolbox_;
  CertificateSettings settings_;
  std::string root_;
};

}  // namespace

std::unique_ptr<device::Issuer> make_acme_issuer(Toolbox& toolbox, CertificateSettings settings, std::string root) {
  return std::make_unique<AcmeIssuer>(toolbox, std::move(settings), std::move(root));
}

}  // namespace lockstep::agent
