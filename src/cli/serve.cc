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
constexpr std::size_t kAnchorBytes = 1U << 20U;
constexpr std::size_t kRootBytes = 16U << 20U;

bool is_loopback(const std::string& host) { return host == "::1" || host == "localhost" || host.starts_with("127."); }

// The host of "ADDRESS:PORT"; empty for all addresses.
std::string listening_host(const std::string& listen) {
  const std::size_t colon = listen.rfind(':');
  if (colon == std::string::npos) return "";
  std::string host = listen.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host == "0.0.0.0" || host == "::" ? "" : host;
}

// What the command line says, filled up from the configuration file and the defaults.
ServeOptions filled_up(ServeOptions options, const ServeOptions& file) {
  const auto fill = [](std::string* value, const std::string& from_file, const char* otherwise) {
    if (value->empty()) *value = from_file.empty() ? otherwise : from_file;
  };
  fill(&options.listen, file.listen, kDefaultListen);
  fill(&options.certificate, file.certificate, "");
  fill(&options.client_ca, file.client_ca, "");
  fill(&options.connections, file.connections, kDefaultConnections);
  if (options.hosts.empty()) options.hosts = file.hosts;
  return options;
}

// The certificate folder whose certificate the server shows.
class ServedCertificate {
 public:
  ServedCertificate(fs::FileSystem& files, const std::string& root, const std::string& domain)
      : files_(files), path_(certstore::folder_path(root, domain)) {}

  struct Read {
    http::TlsIdentity identity;
    std::vector<std::string> names;
  };
  // The live pair, if it is another than the one read last.
  Result<std::optional<Read>> read_if_new() {
    const durable::Snapshot snapshot = TRY(durable::Snapshot::open(files_, path_));
    if (snapshot.generation() == shown_) return std::optional<Read>();
    Read read;
    read.identity.certificate_pem = TRY(snapshot.read(certstore::kFullChainFile, certstore::kMemberLimit));
    std::string key = TRY(snapshot.read(certstore::kKeyFile, certstore::kMemberLimit));
    read.identity.key_pem = SecretBytes(std::move(key));
    const auto certificates = TRY(x509::parse_certificates(read.identity.certificate_pem, path_));
    if (certificates.empty()) return fail(ErrorCode::damaged, "'" + path_ + "' holds no certificate");
    for (const x509::AlternativeName& name : certificates.front().alternative_names) read.names.push_back(name.value);
    shown_ = snapshot.generation();
    return std::optional<Read>(std::move(read));
  }

 private:
  fs::FileSystem& files_;
  std::string path_;
  durable::Generation shown_ = 0;
};

class StatusServer : private Daemon {
 public:
  StatusServer(Context& context, const ServeOptions& options, const ServeHooks& hooks)
      : Daemon(context), options_(filled_up(options, context.configuration().serve)), hooks_(hooks) {}

  Result<int> run() {
    const std::string host = listening_host(options_.listen);
    const bool loopback = is_loopback(host);
    TRY(check_options(loopback));
    const std::string root = TRY(context().root());
    durable::Runtime runtime = TRY(context().runtime());
    const std::string directory = TRY(make_directory(runtime, root));
    const service::AccessToken token = TRY(service::load_or_make_token(runtime, fs::join_path(directory, "token")));
    std::vector<x509::Certificate> anchors = TRY(read_anchors());
    const service::Access access(token.text, loopback, std::move(anchors));
    TRY(open_certificate(root));
    service::HostCheck hosts(host_names(), options_.hosts);
    catch_signals();
    // Printed once, here, for the person who starts the service for the first time; afterwards it is in the file alone.
    if (token.made && !hooks_.ready)
      TRY(context().deliver("Token for changes: " + std::string(token.text.reveal()) + "\n",
                            {{"token", token.text.reveal()}}));

    const auto prober = TRY(http::Prober::start(clock()));
    const auto service =
        TRY(service::Service::start({.runtime = runtime,
                                     .random = context().environment().random,
                                     .prober = *prober,
                                     .access = access,
                                     .hosts = hosts,
                                     .directory = directory,
                                     .root = root,
                                     .version = LOCKSTEP_VERSION,
                                     .tls = served_.has_value(),
                                     .log = [this](bool warning, const std::string& text) { say(warning, text); },
                                     .monitor = watching()}));
    // After the service, which it hands requests to, so that it ends first.
    const auto server = TRY_CONTEXT(listen(*service, loopback), "--listen");
    say(false, "watching " + std::to_string(service->server_count()) + " servers; page and interface on " +
                   (served_ ? "https" : "http") + " port " + std::to_string(server->port()));
    if (hooks_.ready) TRY(hooks_.ready(server->port(), token));
    const auto watch = watch_files(*service);
    notify("READY=1");
    serve(*service, *server, hosts, watch.get());
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

  [[nodiscard]] Status check_options(bool loopback) const {
    if (!loopback && options_.certificate.empty()) {
      return fail(ErrorCode::usage, "--listen " + printable(options_.listen) + ": plain HTTP is for loopback alone",
                  "name a certificate folder: --certificate DOMAIN; or listen on 127.0.0.1 and put a proxy in front");
    }
    if (!options_.client_ca.empty() && options_.certificate.empty()) {
      return fail(ErrorCode::usage, "--client-ca: clients can show a certificate over TLS alone",
                  "add --certificate DOMAIN");
    }
    return service::check_host_names(options_.hosts);
  }

  Result<std::string> make_directory(durable::Runtime& runtime, const std::string& root) {
    const std::string absolute = TRY(runtime.files.absolute_path(root));
    const std::string directory = fs::join_path(absolute, "service");
    durable::CreatedDirectories created;
    TRY(created.ensure(runtime.files, directory, 0700));
    return directory;
  }

  Result<std::vector<x509::Certificate>> read_anchors() {
    std::vector<x509::Certificate> anchors;
    if (options_.client_ca.empty()) return anchors;
    const std::string pem =
        TRY_CONTEXT(fs::read_input(context().environment().files, options_.client_ca, kAnchorBytes), "--client-ca");
    anchors = TRY_CONTEXT(x509::parse_certificates(pem, options_.client_ca), "--client-ca");
    if (anchors.empty())
      return fail(ErrorCode::parse_error, "--client-ca: '" + options_.client_ca + "' holds no certificate");
    return anchors;
  }

  Status open_certificate(const std::string& root) {
    if (options_.certificate.empty()) return {};
    served_.emplace(context().environment().files, root, options_.certificate);
    auto read = TRY_CONTEXT(served_->read_if_new(), "--certificate");
    names_ = read->names;
    identity_ = std::move(read->identity);
    return {};
  }

  [[nodiscard]] std::vector<std::string> host_names() const {
    std::vector<std::string> names = names_;
    const std::string host = listening_host(options_.listen);
    if (!host.empty()) names.push_back(host);
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
      return fs::read_input(files, path, kAnchorBytes);
    };
    return options;
  }

  Result<std::unique_ptr<http::Server>> listen(service::Service& service, bool loopback) {
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
    if (!loopback) limits.connections_of_address = std::max<std::size_t>(1, limits.connections / 2);
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
    if (!served_) return http::Server::listen_async(options_.listen, handle, limits, note);
    auto server = http::Server::listen_tls(options_.listen, *identity_, handle, limits, note);
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

  void serve(service::Service& service, http::Server& server, service::HostCheck& hosts, fs::DirectoryWatch* watch) {
    auto look_at = clock().monotonic() + kLook;
    auto reread_at = clock().monotonic() + kReread;
    while (!stopped()) {
      const bool edited = wait(watch, kSlice);
      if (edited) settle(watch);
      const bool asked = reload_asked();
      if (asked) notify_reloading();
      if (edited || asked || clock().monotonic() >= reread_at) {
        service.refresh();
        reread_at = clock().monotonic() + kReread;
      }
      if (asked || clock().monotonic() >= look_at) {
        if (hooks_.upkeep) hooks_.upkeep();
        look_for_certificate(server, hosts);
        look_at = clock().monotonic() + kLook;
      }
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

  // The server goes on with what it has when this fails.
  void look_for_certificate(http::Server& server, service::HostCheck& hosts) {
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
    hosts.replace(host_names());
    say(false, "another certificate is shown from now on");
  }

  ServeOptions options_;
  const ServeHooks& hooks_;
  std::optional<ServedCertificate> served_;
  std::optional<http::TlsIdentity> identity_;
  std::vector<std::string> names_;  // of the certificate
  std::string trouble_;             // that was said last
};

}  // namespace

Result<int> serve(Context& context, const ServeOptions& options, const ServeHooks& hooks) {
  return StatusServer(context, options, hooks).run();
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
  repeated(command->add_option("--host", options->hosts,
                               "Further name by which the service is called (behind a proxy); may be repeated"));
  command->add_option("--connections", options->connections, "How many at once (default 1024)");
  command->callback([options, action] { *action = [options](Context& context) { return serve(context, *options); }; });
}

}  // namespace lockstep::cli
