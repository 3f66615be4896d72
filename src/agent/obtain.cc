#include "agent/obtain.h"

#include <algorithm>

#include "acme/order_flow.h"
#include "agent/order_placing.h"
#include "agent/order_run.h"
#include "certstore/draft.h"
#include "crypto/digest.h"
#include "x509/request.h"

namespace lockstep::agent {

namespace {

constexpr UnixSeconds kClockTolerance = 3600;  // a CA's clock may be ahead of ours

bool is_same_order(const OrderJournal& journal, const CertificateSettings& settings, const certstore::Draft& draft) {
  return journal.settings.names == settings.names && journal.settings.server == settings.server &&
         journal.settings.profile == settings.profile && journal.settings.key_type == settings.key_type &&
         journal.request_sha256 == crypto::sha256_hex(draft.request_der);
}

Result<certstore::Draft> make_draft(const CertificateSettings& settings, const std::optional<SecretBytes>& old_key) {
  certstore::Draft draft;
  std::optional<crypto::PrivateKey> key;
  if (old_key)
    key = TRY(crypto::PrivateKey::from_pem(old_key->reveal(), "the live key"));
  else
    key = TRY(crypto::PrivateKey::generate(settings.key_type));
  draft.key_pem = TRY(key->to_pem());
  std::vector<x509::AlternativeName> names;
  for (const std::string& name : settings.names) {
    const bool ip = acme::identifier_of(name).type == acme::IdentifierType::ip;
    names.push_back({ip ? x509::AlternativeNameType::ip : x509::AlternativeNameType::dns, name});
  }
  // Names belong into the extension; a common name is limited to 64 characters, and CAs fill it in as they like.
  draft.request_der = TRY(x509::make_request(x509::Name(), names, *key));
  return draft;
}

// What is live, and nothing when there is no certificate yet.
struct Live {
  certstore::InstalledCertificate certificate;
  SecretBytes key_pem;
};
Result<std::optional<Live>> load_live(ObtainTools& tools, const std::string& domain) {
  auto installed = certstore::load(tools.runtime, tools.root, domain);
  if (!installed && installed.error().code == ErrorCode::not_found) return std::optional<Live>();
  if (!installed) return fail(std::move(installed).error());
  const durable::Snapshot snapshot = TRY(durable::Snapshot::open(tools.runtime.files, installed->path));
  std::string key = TRY(snapshot.read(certstore::kKeyFile, certstore::kMemberLimit));
  return std::optional(Live{std::move(*installed), SecretBytes(std::move(key))});
}

certstore::FolderOptions folder_options(const CertificateSettings& settings, const ObtainOptions& options) {
  return {.combined = settings.combined, .nginx_conf = settings.nginx_conf, .group = options.group};
}

// The answer to "is this what was ordered?". Error: untrusted; the CA's certificate is not installed.
Status check_result(const certstore::CertificateSet& set, const CertificateSettings& settings,
                    const std::optional<Live>& live, UnixSeconds now, const ObtainOptions& options) {
  const auto refuse = [](const std::string& why) {
    return fail(ErrorCode::untrusted, "the CA's certificate is not installed: " + why);
  };
  const auto problems =
      TRY(certstore::examine_set(set, {.domain = settings.domain(),
                                       .now = std::max(now, std::min(now + kClockTolerance, set.leaf.not_before)),
                                       .anchors = {}}));
  if (!problems.empty()) return refuse(problems.front().message);
  for (const std::string& name : settings.names) {
    const bool covered = x509::covers_name(set.leaf, name);
    if (!covered) return refuse("it does not cover " + name);
  }
  if (live && !options.force && live->certificate.metadata.ca == set.leaf.issuer.to_text() &&
      live->certificate.leaf.not_after > set.leaf.not_after &&
      live->certificate.leaf.not_after - live->certificate.leaf.not_before <=
          set.leaf.not_after - set.leaf.not_before) {
    return fail(ErrorCode::untrusted,
                "the CA's certificate is not installed: it ends sooner than the one there is (" +
                    format_rfc3339(set.leaf.not_after) + ")",
                "use --force to install it all the same");
  }
  return {};
}

class Obtaining {
 public:
  Obtaining(ObtainTools& tools, const CertificateSettings& settings, const ObtainOptions& options)
      : tools_(tools), settings_(settings), options_(options), domain_(settings.domain()) {}

  Result<Obtained> run() {
    auto obtained = carry_out();
    if (obtained || committing_ || obtained.error().code != ErrorCode::commit_uncertain) return obtained;
    // What is uncertain is a record on the way; the certificate is the one that was there before.
    Error error = std::move(obtained).error();
    error.code = ErrorCode::io_error;
    return fail(std::move(error));
  }

 private:
  Result<Obtained> carry_out() {
    std::unique_ptr<fs::File> lock;
    if (!options_.dry_run) lock = TRY(lock_orders(tools_.runtime, tools_.root, domain_));
    live_ = TRY(load_live(tools_, domain_));
    if (!options_.dry_run) {
      const bool finished = TRY(resume());
      if (finished) return result_;
      if (!journal_ && options_.still_wanted) {
        const bool wanted = TRY(options_.still_wanted());
        if (!wanted) {
          Obtained nothing;
          nothing.by_another = true;
          return nothing;
        }
      }
    }
    auto obtained = attempt();
    // The server forgot the account, and with it the order: both are made anew, once.
    if (!obtained && obtained.error().code == ErrorCode::acme_account_unknown) {
      TRY(forget_order());
      TRY(tools_.accounts.register_again(account_url_));
      obtained = attempt();
    }
    // An order of an earlier run that is over is nothing that a person must hear of.
    if (!obtained && obtained.error().code == ErrorCode::acme_order_lost && result_.resumed) {
      tools_.say(domain_, "the order of the run before is over; placing another");
      TRY(forget_order());
      result_ = {};
      obtained = attempt();
    }
    if (!obtained && !can_go_on(obtained.error().code)) {
      const Status forgotten = forget_order();
      if (!forgotten) return fail(std::move(obtained).error().with_hint("left behind: " + forgotten.error().message));
    }
    return obtained;
  }

  // Reads what an earlier run left. True when it had come to its end but for the tidying up.
  Result<bool> resume() {
    std::optional<OrderJournal> journal = TRY(load_journal(tools_.runtime.files, tools_.root, domain_));
    draft_ = TRY(certstore::load_draft(tools_.runtime.files, tools_.root, domain_));
    if (!journal) {
      draft_.reset();
      TRY(certstore::remove_draft(tools_.runtime, tools_.root, domain_));
      return false;
    }
    journal_ = std::move(*journal);
    if (live_ && live_->certificate.metadata.acme_order_url == journal_->order_url) {
      result_ = {.generation = live_->certificate.generation,
                 .old_serial = journal_->old_serial,
                 .serial = live_->certificate.leaf.serial,
                 .not_after = live_->certificate.leaf.not_after,
                 .resumed = true,
                 .was_finalized = true,
                 .already_installed = true};
      tools_.say(domain_, "the certificate of an earlier run's order is live already");
      TRY(note_commit());
      TRY(forget_order());
      return true;
    }
    if (!draft_ || !is_same_order(*journal_, settings_, *draft_)) {
      tools_.say(domain_, "an unfinished order was for something else; placing another");
      TRY(forget_order());
      return false;
    }
    result_.resumed = true;
    result_.was_finalized = journal_->finalizing;
    tools_.say(domain_, std::string("going on with the order of an earlier run") +
                            (journal_->finalizing ? ", which had been finalized" : ""));
    return false;
  }

  Result<Obtained> attempt() {
    const auto account = TRY(tools_.accounts.get());
    account_url_ = account->url;
    if (journal_ && journal_->account_url != account->url) {
      tools_.say(domain_, "the unfinished order is of another account; placing another");
      TRY(forget_order());
      result_ = {};
    }
    std::optional<acme::Order> order;
    if (!journal_) order = TRY(place(*account));
    OrderRun run(tools_, *account, domain_, *journal_, !options_.dry_run);
    auto chain =
        run.drive(std::move(order), draft_->request_der, settings_.preferred_chain, [this] { return prove_space(); });
    // A proof that is not needed any more goes, whatever the order came to.
    const Status cleaned = run.clean_up();
    if (!chain) return fail(std::move(chain).error());
    if (!cleaned) tools_.say(domain_, "a proof could not be taken away: " + cleaned.error().message);
    return install(*chain);
  }

  Status prove_space() {
    if (options_.dry_run) return {};
    Status reserved = certstore::reserve_space(tools_.runtime, tools_.root, domain_);
    if (reserved) return {};
    Error error = std::move(reserved).error().with_context(
        "there is no room for the certificate, so it was not ordered to be issued");
    error.hint = "free space, at least 256 KiB; the next run goes on with the same order";
    return fail(std::move(error));
  }

  Result<acme::Order> place(const StoredAccount& account) {
    tools_.say(domain_, "ordering a certificate for " + std::to_string(settings_.names.size()) +
                            (settings_.names.size() == 1 ? " name" : " names"));
    std::optional<SecretBytes> old_key;
    if (settings_.reuse_key && live_) old_key = SecretBytes(std::string(live_->key_pem.reveal()));
    draft_ = TRY(make_draft(settings_, old_key));
    if (!options_.dry_run)
      TRY(certstore::save_draft(tools_.runtime, tools_.root, domain_, folder_options(settings_, options_), *draft_));
    auto placed = place_order(tools_, account, settings_, live_ ? &live_->certificate.leaf : nullptr);
    if (!placed) {
      if (!options_.dry_run) TRY(certstore::remove_draft(tools_.runtime, tools_.root, domain_));
      return fail(std::move(placed).error());
    }
    journal_ = OrderJournal{.settings = settings_,
                            .account_url = account.url,
                            .order_url = placed->url,
                            .old_serial = live_ ? live_->certificate.leaf.serial : std::string(),
                            .request_sha256 = crypto::sha256_hex(draft_->request_der),
                            .placed_at = tools_.runtime.clock.now(),
                            .finalizing = false,
                            .presented = {}};
    if (!options_.dry_run) TRY(save_journal(tools_.runtime, tools_.root, domain_, *journal_));
    return std::move(placed->order);
  }

  Result<Obtained> install(const acme::DownloadedChain& chain) {
    auto set = TRY(certstore::parse_set({.certificate_pem = chain.pem,
                                         .certificate_name = "the CA's answer",
                                         .key_pem = draft_->key_pem.reveal(),
                                         .key_name = "the draft's key",
                                         .chain_pem = {},
                                         .chain_name = {}}));
    TRY(check_result(set, settings_, live_, tools_.runtime.clock.now(), options_));
    result_.serial = set.leaf.serial;
    result_.not_after = set.leaf.not_after;
    if (live_) result_.old_serial = live_->certificate.leaf.serial;
    if (options_.dry_run) return result_;
    certstore::Metadata metadata = certstore::metadata_of(set.leaf, tools_.program);
    metadata.acme_order_url = journal_->order_url;
    TRY(certstore::release_space(tools_.runtime, tools_.root, domain_));
    committing_ = true;
    const certstore::InstallResult installed = TRY(
        certstore::install(tools_.runtime, tools_.root, domain_, set, metadata, folder_options(settings_, options_)));
    result_.generation = installed.generation;
    TRY(note_commit());
    // The certificate is live: what is left of the order is tidied up now or by the next run, and fails nothing.
    if (const Status forgotten = forget_order(); !forgotten)
      tools_.say(domain_, "the order's journal could not be removed: " + forgotten.error().message);
    return result_;
  }

  Status note_commit() {
    const Status noted = options_.committed ? options_.committed(result_) : Status();
    if (noted) return {};
    return fail(committed("the certificate is live, but its renewal could not be noted", noted.error()));
  }

  // The proofs first, then the draft, and last the journal: as long as it is there, the next run knows that something
  // is to be taken away.
  Status forget_order() {
    if (journal_ && !journal_->presented.empty()) {
      // By the way that they were put there, which need not be today's.
      acme::ChallengeSolver* solver = TRY(tools_.solver_for(journal_->settings.challenge));
      for (const acme::ChallengeTask& task : journal_->presented) TRY(solver->clean_up(task));
    }
    journal_.reset();
    draft_.reset();
    if (options_.dry_run) return {};
    TRY(certstore::remove_draft(tools_.runtime, tools_.root, domain_));
    return remove_journal(tools_.runtime, tools_.root, domain_);
  }

  ObtainTools& tools_;
  const CertificateSettings& settings_;
  const ObtainOptions& options_;
  const std::string& domain_;
  std::optional<Live> live_;
  std::optional<OrderJournal> journal_;
  std::optional<certstore::Draft> draft_;
  std::string account_url_;
  bool committing_ = false;
  Obtained result_;
};

}  // namespace

Result<Obtained> obtain(ObtainTools& tools, const CertificateSettings& settings, const ObtainOptions& options) {
  return Obtaining(tools, settings, options).run();
}

Error committed(const std::string& what, const Error& error) {
  return {ErrorCode::committed_not_delivered, what + ": " + error.message,
          "the certificate is in its folder; the next run goes on from there", error.system_errno};
}

Result<bool> has_unfinished_order(fs::FileSystem& files, const std::string& root, const std::string& domain) {
  const auto journal = TRY(load_journal(files, root, domain));
  return journal.has_value();
}

}  // namespace lockstep::agent
