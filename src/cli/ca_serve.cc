// lockstep ca serve: certificates for devices over HTTPS.
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "ca/flat_ledger.h"
#include "ca/operations.h"
#include "ca/registrar.h"
#include "cli/commands.h"
#include "cli/daemon.h"
#include "http/descriptor_limit.h"
#include "http/server.h"
#include "issuing/service.h"
#include "x509/crl.h"

namespace lockstep::cli {

namespace {

constexpr std::int64_t kSecondsPerDay = 86400;
constexpr std::int64_t kSecondsPerHour = 3600;
constexpr const char* kNoLists = "off";
constexpr const char* kAuditLog = "audit.log";
constexpr std::int64_t kMostConnections = 20'000;
constexpr std::int64_t kMostRate = 1'000'000;
constexpr std::int64_t kAfterTrouble = 60;  // seconds until a renewal that failed is tried again

struct Options {
  std::string listen = "127.0.0.1:8444";
  std::vector<std::string> names;
  std::string validity = "90d";
  std::string server_validity = "90d";
  std::string next_update = "24h";
  std::string connections = "1024";
  std::string rate = "20";
};

Result<x509::AlternativeName> name_of(const std::string& text) {
  const auto address = x509::parse_alternative_name("IP:" + text);
  if (address) return *address;
  return as_usage(x509::parse_alternative_name("DNS:" + text), "--name");
}

// What the server's certificate says when nobody said: where it listens.
Result<std::vector<x509::AlternativeName>> names_of(const Options& options, const http::ListeningSocket& socket) {
  std::vector<x509::AlternativeName> names;
  for (const std::string& text : options.names) {
    x509::AlternativeName name = TRY(name_of(text));
    names.push_back(std::move(name));
  }
  if (!names.empty()) return names;
  if (socket.host().empty()) {
    return fail(ErrorCode::usage, "--name: with --listen on all addresses it must be said by which names devices call",
                "for example --name ca.example.com");
  }
  if (socket.loopback()) names.push_back({x509::AlternativeNameType::dns, "localhost"});
  x509::AlternativeName address = TRY(x509::parse_alternative_name("IP:" + socket.host()));
  names.push_back(std::move(address));
  return names;
}

class CaServer : private Daemon {
 public:
  CaServer(Context& context, const Options& options) : Daemon(context), options_(options) {}

  Result<int> run() {
    issuing::ServiceOptions how;
    http::ServerLimits limits;
    how.registrar.validity_seconds = TRY(duration_option(options_.validity, "--validity", kSecondsPerDay));
    server_validity_ = TRY(duration_option(options_.server_validity, "--server-validity", kSecondsPerDay));
    if (options_.next_update != kNoLists)
      next_update_ = TRY(duration_option(options_.next_update, "--next-update", kSecondsPerHour));
    how.requests_per_second = static_cast<double>(TRY(positive_number(options_.rate, "--rate", kMostRate)));
    how.burst = how.requests_per_second * 10;
    limits.connections =
        static_cast<std::size_t>(TRY(positive_number(options_.connections, "--connections", kMostConnections)));
    http::raise_descriptor_limit();
    // One address can never take every place.
    limits.connections_of_address = std::max<std::size_t>(1, limits.connections / 2);
    // The address first: no certificate is issued for one that cannot be had.
    http::ListeningSocket socket = TRY(open_listener(options_.listen));
    names_ = TRY(names_of(options_, socket));
    const std::string directory = TRY(context().data_directory());
    durable::Runtime runtime = TRY(context().runtime());
    const auto warn = [this](const std::string& text) { say(true, text); };
    ca::FlatLedger ledger(runtime, directory, warn);
    TRY(ledger.check_initialized());
    catch_signals();

    http::TlsIdentity identity = TRY(identity_to_show(ledger));
    durable::AuditLog audit(runtime, directory, kAuditLog);
    const auto service =
        TRY(issuing::Service::start({.ledger = ledger, .clock = clock(), .audit = audit, .warn = warn}, how));
    service->observe_server_certificate(not_after_);
    keep_list_fresh(ledger, false);
    // After the service, which it hands requests to, so that it ends first.
    const auto server = TRY_CONTEXT(http::Server::listen_tls(
                                        std::move(socket), identity,
                                        [&](const http::ServerRequest& request, const http::Responder& respond) {
                                          return service->handle(request, respond);
                                        },
                                        limits, [&](const http::Unanswered& unanswered) { service->note(unanswered); }),
                                    "--listen");
    say(false, "the CA in '" + directory + "' issues certificates on port " + std::to_string(server->port()));
    notify("READY=1");
    for (Work work = wait_for_work(); work != Work::stop; work = wait_for_work())
      look_after(ledger, *server, *service, work);
    notify("STOPPING=1");
    // Requests that have come in are answered.
    server->drain(kLongestDrain);
    return 0;
  }

 private:
  static constexpr std::chrono::milliseconds kSlice{200};
  static constexpr std::chrono::milliseconds kLongestDrain{30'000};

  // The pair that the CA keeps, or a new one. A third of the lifetime is left for trouble.
  Result<http::TlsIdentity> identity_to_show(ca::Ledger& ledger) {
    const UnixSeconds now = clock().now();
    std::optional<ca::ServerPair> pair = TRY(ca::stored_server_pair(ledger, names_, now));
    if (!pair || now >= renewal_time(*pair)) {
      pair = TRY(ca::renew_server_pair(ledger, names_, server_validity_, now));
      say(false, "the server has a new certificate, until " + format_rfc3339(pair->not_after));
    }
    renew_at_ = renewal_time(*pair);
    not_after_ = pair->not_after;
    return http::TlsIdentity{pair->certificate_pem, std::move(pair->key_pem)};
  }

  static UnixSeconds renewal_time(const ca::ServerPair& pair) {
    return pair.not_before + (pair.not_after - pair.not_before) * 2 / 3;
  }

  // Why the server is woken: its certificate or the revocation list is due, or a reload was asked for.
  enum class Work { stop, due, reload };
  Work wait_for_work() {
    while (true) {
      if (stopped()) return Work::stop;
      if (reload_asked()) return Work::reload;
      if (clock().now() >= std::min(renew_at_, list_at_)) return Work::due;
      clock().sleep_for(kSlice);
    }
  }

  // When the CA's revocation list is to be made anew: when half of its time is over, so that whoever fetches it has a
  // day's worth of trouble before him; at once where there is none.
  [[nodiscard]] Result<UnixSeconds> list_due(ca::Ledger& ledger) const {
    const auto reader = TRY(ledger.read());
    const std::optional<std::string> pem = TRY(reader->crl());
    if (!pem) return UnixSeconds{0};
    const x509::Crl crl = TRY(x509::parse_crl(*pem, ca::kCrlFile));
    const UnixSeconds next = crl.next_update.value_or(crl.this_update);
    return crl.this_update + std::min((next - crl.this_update) / 2, next_update_ / 2);
  }

  // A reload asks for a new list: certificates were revoked, perhaps. The old one stays when this fails.
  void keep_list_fresh(ca::Ledger& ledger, bool anew) {
    if (next_update_ == 0) return;
    const UnixSeconds now = clock().now();
    auto due = list_due(ledger);
    if (due && (anew || now >= *due)) {
      const auto made = ca::publish_crl(ledger, next_update_, now);
      if (made)
        say(false, "revocation list " + std::to_string(made->number) + ", the next one by " +
                       format_rfc3339(made->next_update));
      due = made ? list_due(ledger) : Result<UnixSeconds>(fail(made.error()));
    }
    list_at_ = due ? *due : now + kAfterTrouble;
    if (!due) say(true, "the revocation list could not be made: " + due.error().message);
  }

  // The server goes on with what it has when this fails.
  void look_after(ca::Ledger& ledger, http::Server& server, issuing::Service& service, Work work) {
    notify_reloading();
    keep_list_fresh(ledger, work == Work::reload);
    auto identity = identity_to_show(ledger);
    Status shown = identity ? server.set_identity(*identity) : Status(fail(identity.error()));
    if (!shown) {
      say(true, "the server's certificate could not be renewed: " + shown.error().message);
      renew_at_ = clock().now() + kAfterTrouble;
    }
    service.observe_server_certificate(not_after_);
    notify("READY=1");
  }

  const Options& options_;
  std::vector<x509::AlternativeName> names_;
  std::int64_t server_validity_ = 0;
  std::int64_t next_update_ = 0;  // seconds; 0: somebody else makes the lists
  UnixSeconds renew_at_ = 0;
  UnixSeconds list_at_ = std::numeric_limits<UnixSeconds>::max();
  UnixSeconds not_after_ = 0;
};

}  // namespace

void add_ca_serve(CLI::App& group, Action* action) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = add_command(group, "serve", "Issue certificates to devices over HTTPS",
                                  "lockstep ca serve --listen 127.0.0.1:8444 --validity 90d");
  command->add_option("--listen", options->listen, "Address and port")->capture_default_str();
  repeated(command->add_option("--name", options->names,
                               "Name or IP address by which devices call the server; may be repeated (default: the "
                               "address it listens on, and localhost)"));
  command->add_option("--validity", options->validity, "How long the certificates of devices are valid")
      ->capture_default_str();
  command->add_option("--server-validity", options->server_validity, "How long the server's own certificate is valid")
      ->capture_default_str();
  command
      ->add_option("--next-update", options->next_update,
                   "How long a revocation list is good for; a new one is made after half of it, and at a reload. "
                   "'off': by nobody but 'lockstep ca crl'")
      ->capture_default_str();
  command->add_option("--connections", options->connections, "How many at once; half of them from one address")
      ->capture_default_str();
  command->add_option("--rate", options->rate, "Requests a second from one address; ten times as many at once")
      ->capture_default_str();
  command->callback(
      [options, action] { *action = [options](Context& context) { return CaServer(context, *options).run(); }; });
}

}  // namespace lockstep::cli
