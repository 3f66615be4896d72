#include "issuing/service.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <variant>

#include "crypto/digest.h"
#include "issuing/documents.h"
#include "issuing/rate_limit.h"
#include "issuing/service_metrics.h"
#include "x509/pem.h"

namespace lockstep::issuing {

namespace {

using http::Responder;
using http::ServerRequest;
using http::ServerResponse;

constexpr std::int64_t kAfterOverload = 5;  // seconds
constexpr const char* kPemType = "application/x-pem-file";
constexpr const char* kCrlType = "application/pkix-crl";  // RFC 2585 section 4.2

// A request that was refused before anything of the CA had to be known: it is recorded, then answered.
struct Refused {
  ServerResponse answer;
};
// A document of the CA.
struct Fetch {
  std::function<Result<ServerResponse>()> read;
};
struct Job {
  std::variant<ca::Application, ca::Lookup, Refused, Fetch> work;
  Responder respond;
  AuditEntry audit;  // as far as it is known when the request is taken
};

ServerResponse overloaded() {
  return error_answer(503, "overloaded", "too many requests are waiting", "try again later", kAfterOverload);
}
ServerResponse unavailable() {
  return error_answer(503, "unavailable", "the CA cannot answer just now", "try again later; nothing was issued twice",
                      kAfterOverload);
}

class RunningService final : public Service {
 public:
  RunningService(const Surroundings& around, const ServiceOptions& options)
      : around_(around),
        options_(options),
        registrar_(around.ledger, options.registrar),
        rate_(options.requests_per_second, options.burst) {}
  ~RunningService() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  Status start() {
    try {
      thread_ = std::thread([this] { run(); });
    } catch (const std::system_error&) {
      return fail(ErrorCode::resource_exhausted, "cannot start the thread that issues certificates",
                  "raise the limit on processes (ulimit -u)");
    }
    return {};
  }

  ServerResponse handle(const ServerRequest& request, const Responder& respond) override {
    if (request.target == "/health")
      return at_once(respond,
                     {.content_type = "application/json", .body = "{\"schema\":1,\"status\":\"ok\"}\n", .headers = {}});
    if (request.target == "/metrics")
      return at_once(respond, {.content_type = kMetricContentType, .body = metrics_.text(waiting()), .headers = {}});
    const auto wait = rate_.take(request.address, around_.clock.monotonic());
    if (wait) {
      metrics_.count_rate_limited();
      return at_once(respond, error_answer(429, "rate_limited", "too many requests from this address",
                                           "wait before the next one", *wait));
    }
    const bool reading = request.method == "GET" || request.method == "HEAD";
    if (request.target == kRequestsPath) return reading ? method_not_allowed(respond, "POST") : apply(request, respond);
    const std::string prefix = std::string(kRequestsPath) + "/";
    const bool known = request.target.starts_with(prefix) || request.target == "/ca.crl" ||
                       request.target == "/ca.crl.der" || request.target == "/ca.crt";
    if (!known) {
      return at_once(respond, error_answer(404, "not_found", "there is nothing here",
                                           std::string("POST to ") + kRequestsPath + "; GET /ca.crl or /ca.crt"));
    }
    if (!reading) return method_not_allowed(respond, "GET, HEAD");
    if (request.target.starts_with(prefix)) return look_up(request, request.target.substr(prefix.size()), respond);
    return fetch(request, respond);
  }

  void note(const http::Unanswered& unanswered) override {
    metrics_.count_unread(unanswered.status);
    // Who sends nothing but junk fills no log.
    if (rate_.take(unanswered.address, around_.clock.monotonic())) return;
    Job job{Refused{}, [](ServerResponse) { return true; }, {}};
    job.audit = entry(unanswered.address, "");
    job.audit.decision = "unread";
    job.audit.code = unanswered.what;
    static_cast<void>(take(std::move(job)));  // a full queue has more important things in it
  }

  void observe_server_certificate(UnixSeconds not_after) override { metrics_.set_server_certificate(not_after); }

 private:
  static ServerResponse at_once(const Responder& respond, ServerResponse answer) {
    respond(answer);
    return answer;
  }

  static ServerResponse method_not_allowed(const Responder& respond, const char* allowed) {
    ServerResponse answer =
        error_answer(405, "method_not_allowed", "that is not done here", std::string("use ") + allowed);
    answer.headers.emplace_back("Allow", allowed);
    return at_once(respond, std::move(answer));
  }

  AuditEntry entry(const std::string& address, const std::string& request) {
    AuditEntry made;
    made.time = around_.clock.now();
    made.address = address;
    made.request = request;
    return made;
  }

  // False when the queue is full.
  bool take(Job job) {
    {
      const std::lock_guard lock(mutex_);
      if (queue_.size() >= options_.queue) return false;
      queue_.push_back(std::move(job));
    }
    wake_.notify_one();
    return true;
  }
  ServerResponse take_or_refuse(Job job, ServerResponse late) {
    const Responder respond = job.respond;
    return take(std::move(job)) ? late : at_once(respond, overloaded());
  }

  ServerResponse apply(const ServerRequest& request, const Responder& respond) {
    Job job{Refused{}, respond, entry(request.address, request.method)};
    ParsedApplication parsed =
        parse_application(request.body, request.peer_chain.empty() ? std::string() : request.peer_chain.front());
    if (!parsed.application) {
      job.work = Refused{std::move(parsed.refusal)};
      job.audit.decision = "refused";
      job.audit.code = "malformed";
      return take_or_refuse(std::move(job), unavailable());
    }
    const std::string id = ca::application_id(*parsed.application);
    job.audit.reason = ca::reason_name(parsed.application->reason);
    job.audit.name = parsed.application->name;
    job.audit.csr_sha256 = crypto::sha256_hex(parsed.application->csr_der);
    job.audit.id = id;
    job.work = std::move(*parsed.application);
    return take_or_refuse(std::move(job), pending_answer(id));
  }

  ServerResponse look_up(const ServerRequest& request, const std::string& id, const Responder& respond) {
    Job job{Refused{}, respond, entry(request.address, request.method)};
    if (!is_request_id(id)) {
      job.work = Refused{error_answer(404, "not_found", "there is no such request of this client", "")};
      job.audit.decision = "not_found";
      return take_or_refuse(std::move(job), unavailable());
    }
    job.audit.id = id;
    job.work = ca::Lookup{id, request.peer_chain.empty() ? std::string() : request.peer_chain.front()};
    return take_or_refuse(std::move(job), pending_answer(id));
  }

  ServerResponse fetch(const ServerRequest& request, const Responder& respond) {
    const bool list = request.target != "/ca.crt";
    const bool der = request.target == "/ca.crl.der" || request.accept.find(kCrlType) != std::string::npos;
    Job job{Fetch{[this, list, der] { return list ? read_crl(der) : read_root(); }}, respond, {}};
    return take_or_refuse(std::move(job), unavailable());
  }

  Result<ServerResponse> read_crl(bool der) {
    const std::unique_ptr<ca::LedgerReader> reader = TRY(around_.ledger.read());
    std::optional<std::string> pem = TRY(reader->crl());
    if (!pem) return error_answer(404, "not_found", "no revocation list was made yet", "make one: lockstep ca crl");
    if (!der) return ServerResponse{.content_type = kPemType, .body = std::move(*pem), .headers = {}};
    std::vector<x509::PemBlock> blocks = TRY(x509::parse_pem(*pem, 1));
    if (blocks.empty()) return fail(ErrorCode::damaged, "ca.crl holds no list", "make one: lockstep ca crl");
    return ServerResponse{.content_type = kCrlType, .body = std::move(blocks.front().der), .headers = {}};
  }

  Result<ServerResponse> read_root() {
    const std::unique_ptr<ca::LedgerReader> reader = TRY(around_.ledger.read());
    std::string pem = TRY(reader->authority_certificate());
    return ServerResponse{.content_type = kPemType, .body = std::move(pem), .headers = {}};
  }

  std::size_t waiting() {
    const std::lock_guard lock(mutex_);
    return queue_.size();
  }

  void run() {
    while (true) {
      std::vector<Job> jobs;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (queue_.empty()) return;
        const std::size_t count = std::min(queue_.size(), options_.batch);
        jobs.assign(std::make_move_iterator(queue_.begin()),
                    std::make_move_iterator(queue_.begin() + static_cast<std::ptrdiff_t>(count)));
        queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(count));
      }
      try {
        carry_out(jobs);
      } catch (const std::exception& error) {
        around_.warn(std::string("requests were not answered: ") + error.what());
        for (const Job& job : jobs) job.respond(unavailable());  // those that were answered take no second one
      }
    }
  }

  void carry_out(std::vector<Job>& jobs) {
    std::vector<ca::Application> applications;
    std::vector<ca::Lookup> lookups;
    for (const Job& job : jobs) {
      if (const auto* application = std::get_if<ca::Application>(&job.work)) applications.push_back(*application);
      if (const auto* lookup = std::get_if<ca::Lookup>(&job.work)) lookups.push_back(*lookup);
    }
    std::vector<ServerResponse> answers(jobs.size());
    if (!applications.empty() || !lookups.empty()) decide(applications, lookups, jobs, &answers);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      if (const auto* refused = std::get_if<Refused>(&jobs[i].work)) answers[i] = refused->answer;
      if (const auto* wanted = std::get_if<Fetch>(&jobs[i].work)) answers[i] = fetched(*wanted);
    }
    // Before anybody is told.
    if (!record(jobs)) std::ranges::fill(answers, unavailable());
    for (std::size_t i = 0; i < jobs.size(); ++i) jobs[i].respond(std::move(answers[i]));
  }

  void decide(const std::vector<ca::Application>& applications, const std::vector<ca::Lookup>& lookups,
              std::vector<Job>& jobs, std::vector<ServerResponse>* answers) {
    const auto began = around_.clock.monotonic();
    const auto decided = registrar_.process(applications, lookups, around_.clock.now());
    if (!decided) {
      metrics_.count_failure();
      around_.warn("requests could not be decided: " + decided.error().message +
                   (decided.error().hint.empty() ? "" : " (" + decided.error().hint + ")"));
    }
    std::size_t next_application = 0;
    std::size_t next_lookup = applications.size();
    std::size_t issued = 0;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      const bool applies = std::holds_alternative<ca::Application>(jobs[i].work);
      if (!applies && !std::holds_alternative<ca::Lookup>(jobs[i].work)) continue;
      AuditEntry& audit = jobs[i].audit;
      if (!decided) {
        audit.decision = "failed";
        audit.code = error_code_name(decided.error().code);
        (*answers)[i] = unavailable();
      } else {
        const ca::Answer& answer = (*decided)[applies ? next_application++ : next_lookup++];
        fill(answer, applies, &audit);
        if (answer.kind == ca::Answer::Kind::issued) ++issued;
        (*answers)[i] = answer_of(answer);
        if (!applies && answer.kind == ca::Answer::Kind::repeated) (*answers)[i].status = 200;
      }
      metrics_.count_decision(applies ? audit.reason : "lookup", audit.decision);
    }
    if (decided)
      metrics_.count_commit(static_cast<double>((around_.clock.monotonic() - began).count()) / 1000.0, issued);
  }

  static void fill(const ca::Answer& answer, bool applies, AuditEntry* audit) {
    const bool shown = !applies && answer.kind == ca::Answer::Kind::repeated;
    audit->decision = shown ? "shown" : decision_name(answer.kind);
    audit->client = answer.client;
    audit->subject = answer.csr_subject;
    if (answer.kind == ca::Answer::Kind::refused) audit->code = answer.refusal.code;
    if (answer.serial != 0) audit->serial = ca::serial_to_hex(answer.serial);
  }

  ServerResponse fetched(const Fetch& wanted) {
    Result<ServerResponse> answer = wanted.read();
    if (answer) return std::move(*answer);
    around_.warn("a document of the CA could not be read: " + answer.error().message);
    return unavailable();
  }

  bool record(const std::vector<Job>& jobs) {
    std::string lines;
    for (const Job& job : jobs) {
      if (!job.audit.decision.empty()) lines += audit_line(job.audit);
    }
    if (lines.empty()) return true;
    const Status appended = around_.audit.append(lines);
    if (!appended) {
      metrics_.count_failure();
      around_.warn("the audit log could not be written: " + appended.error().message + "; nobody is answered");
    }
    return appended.has_value();
  }

  Surroundings around_;
  ServiceOptions options_;
  ca::Registrar registrar_;  // the thread's alone
  RateLimit rate_;           // the network thread's alone
  ServiceMetrics metrics_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Service>> Service::start(const Surroundings& around, const ServiceOptions& options) {
  auto service = std::make_unique<RunningService>(around, options);
  TRY(service->start());
  return service;
}

}  // namespace lockstep::issuing
