// lockstep serve: watches endpoints, shows them on a page, and lets them be edited there and over REST.
#include "cli/serve.h"

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <set>

#include "certstore/certificate_folder.h"
#include "cli/commands.h"
#include "cli/configuration.h"
#include "cli/daemon.h"
#include "cli/serve_access.h"
#include "cli/served_certificate.h"
#include "durable/directories.h"
#include "fs/directory_watch.h"
#include "fs/io.h"
#include "http/descriptor_limit.h"
#include "service/host_check.h"
#include "service/service.h"

namespace lockstep::cli {

namespace {

constexpr const char* kDefaultListen = "127.0.0.1:8443";
constexpr const char* kDefaultConnections = "1024";
constexpr std::int64_t kMostConnections = 20'000;
constexpr std::size_t kOtherDescriptors = 64;
constexpr std::size_t kBundleBytes = 1U << 20U;
constexpr std::size_t kRootBytes = 16U << 20U;

class StatusServer : private Daemon {
 public:
  StatusServer(Context& context, http::ListeningSocket socket, const ServeOptions& options, const ServeHooks& hooks)
      : Daemon(context),
        socket_(std::move(socket)),
        host_(socket_.host()),
        loopback_(socket_.loopback()),
        said_(options),
        options_(filled_up(options, context.configuration().serve)),
        hooks_(hooks),
        access_files_(context, loopback_) {}

  Result<int> run() {
    TRY(check_options());
    const std::string root = TRY(context().root());
    durable::Runtime runtime = TRY(context().runtime());
    root_ = TRY(runtime.files.absolute_path(root));
    // What can be wrong is looked at before anything is made.
    TRY(access_files_.check(access_paths()));
    TRY(open_certificate());
    TRY(make_directory(runtime));
    auto rules = TRY(access_files_.read(access_paths()));
    const service::AccessToken& token = access_files_.token();
    service::Access access(*rules);
    service::HostCheck hosts(host_names(), options_.hosts);
    catch_signals();

    const auto prober = TRY(http::Prober::start(clock()));
    const auto service =
        TRY(service::Service::start({.runtime = runtime,
                                     .random = context().environment().random,
                                     .prober = *prober,
                                     .access = access,
                                     .hosts = hosts,
                                     .directory = directory(),
                                     .root = root_,
                                     .version = LOCKSTEP_VERSION,
                                     .tls = served_.has_value(),
                                     .log = [this](bool warning, const std::string& text) { say(warning, text); },
                                     .monitor = watching()}));
    // After the service, which it hands requests to, so that it ends first.
    const auto server = TRY_CONTEXT(listen(*service), "--listen");
    say(false, "watching " + std::to_string(service->server_count()) + " servers; page and interface on " +
                   (served_ ? "https" : "http") + " port " + std::to_string(server->port()));
    TRY(welcome(server->port(), token));
    const auto watch = watch_files(*service);
    notify("READY=1");
    serve(*service, *server, {hosts, access}, watch.get());
    notify("STOPPING=1");
    server->drain(kLongestDrain);
    return 0;
  }

 private:
  static constexpr std::chrono::milliseconds kSlice{200};
  static constexpr std::chrono::milliseconds kQuiet{100};         // after a person's last write
  static constexpr std::chrono::milliseconds kLongestWait{1000};  // while somebody writes on and on
  static constexpr std::chrono::milliseconds kLook{2'000};        // for another certificate
  static constexpr std::chrono::milliseconds kReread{30'000};     // where no watch tells of changes
  static constexpr std::chrono::milliseconds kLongestDrain{10'000};

  // What a reload changes while requests are answered.
  struct Live {
    service::HostCheck& hosts;
    service::Access& access;
  };

  [[nodiscard]] Status check_options() const {
    if (!loopback_ && options_.certificate.empty()) {
      return fail(ErrorCode::usage, "--listen " + printable(options_.listen) + ": plain HTTP is for loopback alone",
                  "name a certificate folder: --certificate DOMAIN; or listen on 127.0.0.1 and put a proxy in front");
    }
    if (!options_.client_ca.empty() && options_.certificate.empty()) {
      return fail(ErrorCode::usage, "--client-ca: clients can show a certificate over TLS alone",
                  "add --certificate DOMAIN");
    }
    if (!options_.client_crl.empty() && options_.client_ca.empty()) {
      return fail(ErrorCode::usage, "--client-crl: there is no --client-ca whose list it could be");
    }
    return service::check_host_names(options_.hosts);
  }

  [[nodiscard]] std::string directory() const { return fs::join_path(root_, "service"); }

  // Web servers go through the root to the certificates; what is private begins below it.
  Status make_directory(durable::Runtime& runtime) {
    durable::CreatedDirectories created;
    TRY(created.ensure(runtime.files, root_, 0755));
    Status made = created.ensure(runtime.files, directory(), 0700);
    if (!made) created.remove(runtime.files);
    return made;
  }

  [[nodiscard]] AccessFiles::Paths access_paths() const {
    return {.token = fs::join_path(directory(), "token"),
            .anchors = options_.client_ca,
            .lists = options_.client_crl,
            .lists_needed = !hooks_.list_may_be_missing};
  }

  // The token is printed once, for the person who starts the service for the first time; afterwards it is in the file
  // alone.
  Status welcome(std::uint16_t port, const service::AccessToken& token) {
    if (hooks_.ready) return hooks_.ready(port, token);
    if (!token.made) return {};
    return context().deliver("Token for changes: " + std::string(token.text.reveal()) + "\n",
                             {{"token", token.text.reveal()}});
  }

  Status open_certificate() {
    if (options_.certificate.empty()) return {};
    served_.emplace(context().environment().files, root_, options_.certificate);
    auto read = TRY_CONTEXT(served_->read_if_new(), "--certificate");
    names_ = read->names;
    identity_ = std::move(read->identity);
    return {};
  }

  [[nodiscard]] std::vector<std::string> host_names() const {
    std::vector<std::string> names = names_;
    if (!host_.empty()) names.push_back(host_);
    return names;
  }

  // The roots of the operating system, as OpenSSL's own programs find them.
  std::string system_roots() {
    std::vector<std::string> places = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                       "/etc/ssl/cert.pem"};
    const auto& variable = context().environment().variable;
    const auto said = variable ? variable("SSL_CERT_FILE") : std::nullopt;
    if (said) places.insert(places.begin(), *said);
    for (const std::string& place : places) {
      const auto pem = fs::read_input(context().environment().files, place, kRootBytes);
      if (pem) return *pem;
    }
    say(true,
        "no root certificates were found on this system: every endpoint without a CA bundle of its own is untrusted");
    return "";
  }

  service::MonitorOptions watching() {
    service::MonitorOptions options;
    options.system_roots = system_roots();
    options.read_bundle = [&files = context().environment().files](const std::string& path) {
      return fs::read_input(files, path, kBundleBytes);
    };
    return options;
  }

  Result<std::unique_ptr<http::Server>> listen(service::Service& service) {
    http::ServerLimits limits;
    const std::int64_t connections = TRY(positive_number(options_.connections, "--connections", kMostConnections));
    limits.connections = static_cast<std::size_t>(connections);
    const std::size_t needed = limits.connections + service::MonitorOptions().concurrent + kOtherDescriptors;
    const std::size_t allowed = http::raise_descriptor_limit();
    if (allowed < needed) {
      say(true, "this process may have " + std::to_string(allowed) + " files and connections open and may need " +
                    std::to_string(needed) + ": raise the limit (ulimit -n, LimitNOFILE=)");
    }
    // One address can never take every place; from loopback everybody comes who comes through a proxy.
    if (!loopback_) limits.connections_of_address = std::max<std::size_t>(1, limits.connections / 2);
    limits.header_bytes = 16U * 1024U;
    limits.body_bytes = 1U << 20U;
    limits.request = std::chrono::milliseconds(10'000);
    limits.answer = context_lock_timeout() + std::chrono::milliseconds(10'000);
    limits.stream_bytes = 16U << 20U;  // the first picture of the most servers there can be
    limits.methods = "GET, HEAD, POST, PUT, DELETE";
    const auto handle = [&service](const http::ServerRequest& request, const http::Responder& respond) {
      return service.handle(request, respond);
    };
    const auto note = [&service](const http::Unanswered& unanswered) { service.note(unanswered); };
    if (!served_) return http::Server::listen_async(std::move(socket_), handle, limits, note);
    auto server = http::Server::listen_tls(std::move(socket_), *identity_, handle, limits, note);
    identity_.reset();
    return server;
  }

  std::chrono::milliseconds context_lock_timeout() {
    const auto runtime = context().runtime();
    return runtime ? runtime->lock_timeout : std::chrono::milliseconds(0);
  }

  // Nothing where the system has no watch to give: then the files are read again from time to time.
  std::unique_ptr<fs::DirectoryWatch> watch_files(const service::Service& service) {
    auto watch = fs::DirectoryWatch::open(service.directories());
    if (watch) return std::move(*watch);
    say(true, watch.error().message + "; edits by hand are seen after half a minute");
    return nullptr;
  }

  void serve(service::Service& service, http::Server& server, const Live& live, fs::DirectoryWatch* watch) {
    auto look_at = clock().monotonic() + kLook;
    auto reread_at = clock().monotonic() + kReread;
    while (!stopped()) {
      const bool edited = wait(watch, kSlice);
      if (edited) settle(watch);
      const bool asked = reload_asked();
      bool reread = false;
      if (asked) {
        notify_reloading();
        reread = reload();
      }
      if (edited || asked || clock().monotonic() >= reread_at) {
        service.refresh();
        reread_at = clock().monotonic() + kReread;
      }
      if (asked || clock().monotonic() >= look_at) {
        if (hooks_.upkeep) hooks_.upkeep();
        look_for_certificate(server);
        live.hosts.replace(host_names(), options_.hosts);
        look_for_access(live.access);
        look_at = clock().monotonic() + kLook;
      }
      if (reread) say(false, "the configuration was read again and is in force");
      if (asked) notify("READY=1");
    }
  }

  bool wait(fs::DirectoryWatch* watch, std::chrono::milliseconds longest) {
    static const std::set<std::string> kNames = {service::kServersFile, service::kLayoutFile};
    if (watch == nullptr) {
      clock().sleep_for(longest);
      return false;
    }
    const auto told = watch->wait(kNames, longest);
    if (told) return *told;
    clock().sleep_for(longest);
    return true;
  }

  // An editor writes in pieces: what it wrote is looked at when it is done.
  void settle(fs::DirectoryWatch* watch) {
    const auto latest = clock().monotonic() + kLongestWait;
    while (clock().monotonic() < latest && wait(watch, kQuiet)) {
    }
  }

  // What needs another socket or other limits is taken at the next start. What cannot be read changes nothing.
  // False when it cannot be read.
  bool reload() {
    if (const Status read = context().load_configuration(); !read) {
      say(true, "the configuration stays as it was: " + read.error().message);
      return false;
    }
    const ServeOptions wanted = filled_up(said_, context().configuration().serve);
    if (wanted.listen != options_.listen || wanted.certificate != options_.certificate ||
        wanted.connections != options_.connections)
      say(true, "'listen', 'certificate' and 'connections' of [serve] are taken at the next start");
    if (const Status good = service::check_host_names(wanted.hosts); good)
      options_.hosts = wanted.hosts;
    else
      say(true, good.error().message);
    options_.client_ca = wanted.client_ca;
    options_.client_crl = wanted.client_crl;
    return true;
  }

  // Another token, another CA of the clients, another list of it: who was admitted is not any more. What cannot be read
  // leaves the rules as they are.
  void look_for_access(service::Access& access) {
    auto rules = access_files_.read(access_paths());
    const std::string trouble = rules ? "" : rules.error().message;
    if (!rules && trouble != access_trouble_) say(true, "who may make changes stays as it was: " + trouble);
    access_trouble_ = trouble;
    if (!rules || !*rules) return;
    access.replace(**rules);
    say(false, access_files_.token().made ? "a new token for changes is in '" + access_paths().token + "'"
                                          : "other rules say who may make changes from now on");
  }

  // The server goes on with what it has when this fails.
  void look_for_certificate(http::Server& server) {
    if (!served_) return;
    auto read = served_->read_if_new();
    if (read && !*read) return;
    Status shown = read ? server.set_identity((*read)->identity) : Status(fail(read.error()));
    if (!shown) {
      if (shown.error().message != trouble_) say(true, "the certificate stays as it was: " + shown.error().message);
      trouble_ = shown.error().message;
      return;
    }
    trouble_.clear();
    names_ = (*read)->names;
    say(false, "another certificate is shown from now on");
  }

  http::ListeningSocket socket_;
  std::string host_;  // that it listens on; empty: all addresses
  bool loopback_;
  const ServeOptions& said_;  // on the command line
  ServeOptions options_;
  const ServeHooks& hooks_;
  AccessFiles access_files_;
  std::string root_;
  std::optional<ServedCertificate> served_;
  std::optional<http::TlsIdentity> identity_;
  std::vector<std::string> names_;  // of the certificate
  std::string trouble_;             // with the certificate, that was said last
  std::string access_trouble_;
};

}  // namespace

ServeOptions filled_up(ServeOptions options, const ServeOptions& file) {
  const auto fill = [](std::string* value, const std::string& from_file, const char* otherwise) {
    if (value->empty()) *value = from_file.empty() ? otherwise : from_file;
  };
  fill(&options.listen, file.listen, kDefaultListen);
  fill(&options.certificate, file.certificate, "");
  fill(&options.client_ca, file.client_ca, "");
  fill(&options.client_crl, file.client_crl, "");
  fill(&options.connections, file.connections, kDefaultConnections);
  if (options.hosts.empty()) options.hosts = file.hosts;
  return options;
}

Result<int> serve(Context& context, http::ListeningSocket socket, const ServeOptions& options,
                  const ServeHooks& hooks) {
  return StatusServer(context, std::move(socket), options, hooks).run();
}

void add_serve(CLI::App& program, std::string* root, Action* action) {
  const auto options = std::make_shared<ServeOptions>();
  CLI::App* command = add_command(program, "serve", "Watch TLS endpoints and show them on a page",
                                  "lockstep serve --listen 127.0.0.1:8443");
  command->add_option("--path", *root, "Where service/ and certs/ are (default $LOCKSTEP_PATH, else ./lockstep-data)");
  command->add_option("--listen", options->listen, "Address and port (default 127.0.0.1:8443)");
  command->add_option("--certificate", options->certificate,
                      "Domain of the certificate folder that the server shows (TLS); a new one is taken at once");
  command->add_option("--client-ca", options->client_ca,
                      "PEM file of the CA whose clients may make changes without the token");
  command->add_option("--client-crl", options->client_crl, "Revocation list of that CA; a new one is taken at once");
  repeated(command->add_option("--host", options->hosts,
                               "Further name by which the service is called (behind a proxy); may be repeated"));
  command->add_option("--connections", options->connections, "How many at once (default 1024)");
  command->callback([options, action] {
    *action = [options](Context& context) -> Result<int> {
      http::ListeningSocket socket = TRY(open_listener(filled_up(*options, context.configuration().serve).listen));
      return serve(context, std::move(socket), *options);
    };
  });
}

}  // namespace lockstep::cli
