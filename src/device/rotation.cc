#include "device/rotation.h"

#include <cerrno>

#include "base/random.h"
#include "device/hints.h"
#include "device/wish.h"
#include "durable/atomic_file.h"
#include "x509/pem.h"
#include "x509/request.h"

namespace lockstep::device {

namespace {

class Rotation {
 public:
  Rotation(RotationTools& tools, const DeviceSettings& settings, const RotationOptions& options)
      : tools_(tools), settings_(settings), options_(options), forced_(options.force || options.enroll) {}

  Result<RotationReport> run() {
    auto report = run_steps();
    if (report) return report;
    Error error = std::move(report).error();
    const bool uncertain = error.code == ErrorCode::commit_uncertain;
    if (error.code == ErrorCode::identity_refused || (uncertain && committing_)) return fail(std::move(error));
    if (report_.renewed && !report_.rolled_back) {
      if (error.code == ErrorCode::committed_not_delivered) return fail(std::move(error));
      return fail(Error{ErrorCode::committed_not_delivered, "the new identity is live, but then: " + error.message,
                        "the next run goes on from there", error.system_errno});
    }
    // What is uncertain is a record on the way; the identity is the one that was live before.
    if (uncertain) error.code = ErrorCode::io_error;
    return fail(std::move(error));
  }

 private:
  Result<RotationReport> run_steps() {
    // Before the lock and the recovery there may be half of something; then nobody has rotated it meanwhile.
    const auto before = live_serial();
    const auto lock = TRY(lock_device(tools_.runtime, tools_.root, settings_.name));
    const auto recovered = TRY(tools_.storage.recover());
    for (const std::string& done : recovered) tools_.log("recovered", done);
    // Somebody rotated it while this run waited: once was asked for, and once it was done.
    const std::string after = TRY(live_serial());
    if (before && *before != after) forced_ = false;
    if (options_.enroll && !after.empty())
      return fail(ErrorCode::already_exists, settings_.name + " has an identity already",
                  "'lockstep device rotate --force' renews it");
    TRY(look());
    if (const Status whole = check_live(); !whole) return fail(whole.error());
    if (const Status settled = settle_wish(); !settled) {
      const Reason reason = options_.enroll ? Reason::enroll : Reason::proactive;
      return note_failure({.kind = StepKind::discard, .reason = reason}, settled.error());
    }
    // Proven, but cut off before the identity before it was destroyed.
    if (settings_.renewal.destroy_old_keys && situation_.live && !state().unproven && !state().request)
      TRY(tools_.storage.destroy_previous());
    while (true) {
      if (tools_.stop != nullptr && tools_.stop->load())
        return fail(ErrorCode::timed_out, "stopped; the next run goes on from here");
      const Step step = next_step(settings_.renewal, settings_.recovery_enabled, state(), situation_.facts);
      if (step.kind == StepKind::wait && options_.force && !situation_.live)
        return fail(ErrorCode::not_found, settings_.name + " has no identity yet",
                    "'lockstep device enroll' gets the first one");
      if (step.phase != state().phase) {
        state().phase = step.phase;
        TRY(save());
      }
      // One renewal in one run, whatever the issuer's certificates look like.
      const bool again = step.kind == StepKind::make_request && report_.renewed;
      if (step.kind == StepKind::wait || again) {
        report_.next = again ? now() + settings_.renewal.retry_interval : step.until;
        report_.proven = !state().unproven;
        return report_;
      }
      const Status done = carry_out(step);
      if (!done) return note_failure(step, done.error());
      if (waiting_) {
        report_.next = state().not_before;
        report_.proven = !state().unproven;
        return report_;
      }
      TRY(look());
    }
  }

  Status look() {
    situation_ = TRY(look_closely(tools_.runtime, tools_.root, tools_.storage, settings_, forced_));
    // The first identity comes by 'enroll' alone.
    if (!situation_.live && !options_.enroll) situation_.facts.forced = false;
    return {};
  }

  DeviceState& state() { return situation_.state; }
  Status save() {
    Status saved = save_state(tools_.runtime, tools_.root, settings_.name, state());
    state_in_doubt_ = !saved && saved.error().code == ErrorCode::commit_uncertain;
    return saved;
  }
  UnixSeconds now() { return tools_.runtime.clock.now(); }

  Result<std::string> live_serial() {
    const std::optional<Identity> live = TRY(tools_.storage.load());
    if (!live) return std::string();
    const x509::Certificate leaf = TRY(leaf_of(live->certificate_pem, "'" + tools_.storage.active_cert_path() + "'"));
    return leaf.serial;
  }

  // A pair that does not belong together is nothing that a power cut leaves: somebody changed a half by hand.
  Status check_live() {
    if (!situation_.live || is_pair(*situation_.live)) return {};
    return fail(ErrorCode::damaged,
                "'" + tools_.storage.active_cert_path() + "' and '" + tools_.storage.active_key_path() +
                    "' do not belong together",
                "put the half back that was changed, or run 'lockstep device rollback'");
  }

  // Only what is wished for still is gone on with.
  Status settle_wish() {
    if (options_.enroll) TRY(note_enrolment());
    if (!state().request || situation_.facts.request_is_live) return {};
    // A first identity is wished for by a command, whose options later runs do not know.
    if (state().request->reason == Reason::enroll && !options_.enroll) return {};
    const bool wished = TRY(asks_for_wish(*state().request, settings_, situation_.leaf));
    if (wished) return {};
    TRY(discard("what was asked for before is not what is wanted now"));
    return look();
  }

  // Before there is a key: whatever cuts this off, what is pending lies where the enrolment says.
  Status note_enrolment() {
    const Enrolment wanted = enrolment_of(settings_);
    const std::optional<Enrolment> before = state().enrolment;
    if (before == wanted) return {};
    if (before && state().request) {
      if (!same_place(*before, wanted)) TRY(clear_other_place(*before));
      // Another server is asked with another key; another `ca` only judges the answer.
      const bool same_request = same_place(*before, wanted) && before->server == wanted.server;
      if (!same_request) state().request.reset();
    }
    state().enrolment = wanted;
    return save();
  }

  // What an enrolment that was told of another place left there.
  Status clear_other_place(const Enrolment& enrolment) {
    const std::unique_ptr<IdentityStorage> storage = make_storage(tools_.runtime, settings_at(settings_, enrolment));
    const auto recovered = storage->recover();
    if (!recovered && recovered.error().system_errno == ENOENT) return {};  // the place itself is gone
    if (!recovered) return fail(recovered.error());
    const std::optional<Identity> live = TRY(storage->load());
    if (live)
      return fail(ErrorCode::already_exists,
                  settings_.name + " has an identity already: '" + storage->active_cert_path() + "'",
                  "enroll as before to keep it there, or move it away");
    return storage->cleanup_pending();
  }

  Status carry_out(const Step& step) {
    switch (step.kind) {
      case StepKind::make_request: return make_request(step.reason);
      case StepKind::send_request: return send_request();
      case StepKind::check_pending: return check_pending();
      case StepKind::note_swap: return note_swap();
      case StepKind::check_health: return check_health();
      case StepKind::discard: return discard("what was pending belongs to no request");
      case StepKind::wait: break;
    }
    return {};
  }

  Status discard(const char* why) {
    tools_.log("discarded", why);
    TRY(tools_.storage.cleanup_pending());
    state().request.reset();
    return save();
  }

  Status make_request(Reason reason) {
    tools_.log(reason == Reason::expired ? "recovery_started" : "renewal_started",
               "a new identity for " + settings_.name + " (" + std::string(reason_name(reason)) + ")");
    std::optional<crypto::PrivateKey> key;
    if (settings_.renewal.reuse_key && situation_.live)
      key = TRY(crypto::PrivateKey::from_pem(situation_.live->key_pem.reveal(), "the live key"));
    else
      key = TRY(crypto::PrivateKey::generate(settings_.key_type));
    const Wish wish = TRY(wish_of(settings_, situation_.leaf));
    const std::string der = TRY(x509::make_request(wish.subject, wish.names, *key));
    const SecretBytes key_pem = TRY(key->to_pem());
    TRY(tools_.storage.write_pending_key(key_pem));
    state().request = PendingRequest{.request_pem = x509::encode_pem("CERTIFICATE REQUEST", der),
                                     .reason = reason,
                                     .replaces = situation_.leaf ? situation_.leaf->serial : std::string(),
                                     .id = {}};
    made_here_ = true;
    return save();
  }

  Status send_request() {
    const PendingRequest& request = *state().request;
    std::optional<Identity> as;
    if (request.reason == Reason::proactive) as = situation_.live->copy();
    if (request.reason == Reason::expired) as = TRY(load_bootstrap(tools_.runtime.files, settings_));
    const Issued issued = TRY(tools_.issuer.request({.request_pem = request.request_pem,
                                                     .reason = request.reason,
                                                     .name = settings_.name,
                                                     .token = options_.token,
                                                     .id = request.id,
                                                     .replaces = request.replaces},
                                                    as ? &*as : nullptr));
    if (issued.id != request.id) {
      state().request->id = issued.id;
      TRY(save());
    }
    if (issued.certificate_pem) return tools_.storage.write_pending(*issued.certificate_pem);
    tools_.log("pending", "the issuer has not decided yet; asking again in " + std::to_string(issued.ask_again) + " s");
    state().not_before = now() + issued.ask_again;
    waiting_ = true;
    return save();
  }

  Status check_pending() {
    const std::optional<Identity> pending = TRY(tools_.storage.load_pending());
    if (!pending) return fail(ErrorCode::not_found, "no pending certificate to swap");
    const Expectation expected = TRY(expectation());
    if (const auto rejection = reason_to_reject(*pending, expected)) return reject(*rejection);
    if (settings_.renewal.test_connection) {
      const Verdict verdict = TRY(tools_.issuer.check(*pending, state().request->id));
      if (verdict == Verdict::refused) return reject({Fault::itself, "the issuer does not accept it"});
    }
    committing_ = true;
    TRY(tools_.storage.atomic_swap());
    committing_ = false;
    tools_.log("swapped", "the new identity of " + settings_.name + " is live");
    return note_swap();
  }

  Status reject(const Rejection& rejection) {
    const bool kept = may_become_good(rejection.fault);
    if (kept) {
      TRY(tools_.storage.drop_pending_certificate());
    } else {
      TRY(tools_.storage.cleanup_pending());
      state().request.reset();
      TRY(save());
    }
    return fail(ErrorCode::issuer_bad_answer, "the issuer's certificate: it is not installed: " + rejection.why,
                rejection_hint(rejection.fault, kept, settings_, situation_.live.has_value()));
  }

  // Then the same request is sent again, and answered with the same certificate: a one-time token is not used up, nor
  // an order at an ACME CA. Not for ever, where another request can help: what an issuer answers may be wrong for good.
  bool may_become_good(Fault fault) {
    const bool by_token = state().request->reason == Reason::enroll && issuer_authenticates(settings_.issuer);
    if (fault == Fault::itself) return false;
    if (by_token) return true;
    const bool last = state().failed_in_a_row + 1 >= static_cast<std::uint64_t>(settings_.renewal.max_retries);
    return fault != Fault::over && !last;
  }

  Status note_swap() {
    report_.renewed = true;
    forced_ = false;
    state() = after_swap(state(), now());
    const Status saved = save();
    if (saved) return {};
    return fail(ErrorCode::committed_not_delivered,
                "the new identity is live, but its state could not be written: " + saved.error().message,
                "the next run goes on from there");
  }

  Status check_health() {
    const auto verdict = tools_.issuer.check(*situation_.live, state().unproven_id);
    if (!verdict) {
      // Out of reach says nothing about the identity: both are kept, and it is asked again.
      tools_.log("unproven", "whether the new identity is accepted is not known yet: " + verdict.error().message);
      state().not_before = now() + settings_.renewal.retry_interval;
      state().last_error = verdict.error().message;
      state().last_error_code = error_code_name(verdict.error().code);
      waiting_ = true;
      return save();
    }
    if (*verdict == Verdict::refused) return take_back();
    if (settings_.renewal.destroy_old_keys) TRY(tools_.storage.destroy_previous());
    state().unproven = false;
    state().unproven_id.clear();
    state().not_before = 0;
    state().last_error.clear();
    state().last_error_code.clear();
    tools_.log("proven", "the issuer accepts the identity of " + settings_.name);
    return save();
  }

  Status take_back() {
    const bool has_previous = TRY(tools_.storage.has_previous());
    if (has_previous) {
      committing_ = true;
      TRY(tools_.storage.rollback());
      committing_ = false;
      report_.rolled_back = true;
      report_.renewed = false;
      tools_.log("rolled_back", "the issuer refused the new identity; the one before is live again");
    }
    state().unproven = false;
    state().unproven_id.clear();
    TRY(save());
    return fail(ErrorCode::identity_refused, "the issuer does not accept the new identity of " + settings_.name,
                has_previous ? "the identity before is live again" : "there is no identity before it to go back to");
  }

  // The failure is counted before it is reported, so that a restart does not begin at nought.
  std::unexpected<Error> note_failure(const Step& step, const Error& cause) {
    const Error error = for_device(cause, settings_);
    const bool recovering = step.reason == Reason::expired;
    tools_.log(recovering ? "recovery_failed" : "renewal_failed", error.message);
    // A first identity that was refused leaves nothing; one whose answer was lost is asked for with the same bytes. A
    // request of an earlier run may have been granted: that this run's token is refused says nothing about it.
    const bool refused_at_once = error.code == ErrorCode::issuer_refused && made_here_;
    // A directory whose fsync failed is not synced a second time: the next start takes away what is in it.
    const bool may_forget = cause.code != ErrorCode::commit_uncertain && !report_.renewed;
    if (step.reason == Reason::enroll && may_forget && (refused_at_once || !situation_.state.request)) {
      const Status forgotten = forget_enrolment();
      if (!forgotten) return fail(Error(error).with_hint("left behind: " + forgotten.error().message));
      return fail(error);
    }
    if (state_in_doubt_) return fail(error);
    // The steps before may have changed it on disk.
    auto current = load_state(tools_.runtime.files, tools_.root, settings_.name);
    if (current && error.code != ErrorCode::committed_not_delivered) {
      const std::int64_t asked = std::min<std::int64_t>(error.retry_after, 24 * 3600);
      DeviceState failed =
          after_failure(std::move(*current), settings_.renewal, now(), asked, random_bits(tools_.runtime.random));
      failed.last_error = error.message;
      failed.last_error_code = error_code_name(error.code);
      const Status noted = save_state(tools_.runtime, tools_.root, settings_.name, failed);
      if (!noted) tools_.log("not_noted", "the failure could not be noted: " + noted.error().message);
    }
    if (!current) tools_.log("not_noted", "the failure could not be noted: " + current.error().message);
    return fail(error);
  }

  Status forget_enrolment() {
    TRY(tools_.storage.cleanup_pending());
    return durable::remove_if_exists(tools_.runtime, state_path(tools_.root, settings_.name));
  }

  Result<Expectation> expectation() {
    Expectation expected;
    expected.anchors = TRY(load_anchors(tools_.runtime.files, settings_));
    expected.now = now();
    const x509::Request request = TRY(x509::parse_request(state().request->request_pem, "the request"));
    if (certifies_subject(settings_)) expected.subject_der = request.subject.der();
    if (!request.alternative_names_der.empty())
      expected.names = TRY(x509::decode_alternative_names(request.alternative_names_der));
    return expected;
  }

  RotationTools& tools_;
  const DeviceSettings& settings_;
  const RotationOptions& options_;
  bool forced_;
  bool waiting_ = false;
  bool made_here_ = false;       // the request, by this run
  bool state_in_doubt_ = false;  // it was written, and the fsync of its directory failed
  bool committing_ = false;      // what a failure says is about the identity itself
  Situation situation_;
  RotationReport report_;
};

}  // namespace

Result<RotationReport> rotate(RotationTools& tools, const DeviceSettings& settings, const RotationOptions& options) {
  return Rotation(tools, settings, options).run();
}

}  // namespace lockstep::device
