// lockstep up: everything on one machine with one command: a CA, a certificate for localhost from it that is renewed
// while it is shown, and the status service.
#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "ca/flat_ledger.h"
#include "ca/operations.h"
#include "certstore/certificate_folder.h"
#include "cli/cert_common.h"
#include "cli/commands.h"
#include "cli/daemon.h"
#include "cli/serve.h"
#include "durable/directories.h"
#include "durable/publish.h"
#include "fs/io.h"
#include "service/configuration_files.h"

namespace lockstep::cli {

namespace {

constexpr const char* kHost = "localhost";
constexpr const char* kLoopback = "127.0.0.1";
constexpr std::int64_t kRootLifetime = 10 * 365 * 86400LL;
constexpr std::int64_t kSecondsPerHour = 3600;
constexpr std::int64_t kShortest = 10;      // seconds of a certificate's life
constexpr std::int64_t kAfterTrouble = 60;  // seconds until a renewal that failed is tried again
constexpr std::int64_t kWhenBusy = 2;       // the same, where another command held the CA's lock
constexpr std::chrono::milliseconds kUpkeepLockTimeout{500};
constexpr std::size_t kMostPorts = 5;  // of this machine, watched from the start

struct Options {
  std::string listen = "127.0.0.1:8443";
  std::string validity = "1h";
};

// What commonly listens where; the first that are found are watched.
struct KnownPort {
  std::uint16_t port;
  const char* name;
  const char* protocol;
};
constexpr std::array<KnownPort, 9> kKnownPorts{{{22, "SSH", "tcp"},
                                                {25, "Mail", "tcp"},
                                                {53, "Name server", "tcp"},
                                                {80, "Web server", "tcp"},
                                                {443, "Web server (TLS)", "tls"},
                                                {631, "Printing", "tcp"},
                                                {3306, "MariaDB", "tcp"},
                                                {5432, "PostgreSQL", "tcp"},
                                                {6379, "Redis", "tcp"}}};

// Ports on which something listens on this machine, by the kernel's own table ("00000000:0016 … 0A").
std::set<std::uint16_t> listening_ports(fs::FileSystem& files) {
  constexpr std::size_t kTableLimit = 4U << 20U;
  constexpr std::string_view kListening = "0A";
  std::set<std::uint16_t> ports;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    // A machine without such a table has nothing to be found.
    const std::string text = fs::read_input(files, table, kTableLimit).value_or(std::string());
    for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1)) {
      const std::string line = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
      const std::size_t slot = line.find(": ");
      const std::size_t colon = slot == std::string::npos ? slot : line.find(':', slot + 2);
      if (colon == std::string::npos) continue;
      const std::size_t state = line.find(' ', line.find(' ', colon) + 1);
      std::uint16_t port = 0;
      const auto [end, error] = std::from_chars(line.data() + colon + 1, line.data() + line.size(), port, 16);
      if (error == std::errc() && state != std::string::npos && line.compare(state + 1, 2, kListening) == 0)
        ports.insert(port);
    }
  }
  return ports;
}

class Up {
 public:
  Up(Context& context, const Options& options) : context_(context), options_(options) {}

  Result<int> run() {
    validity_ = TRY(duration_option(options_.validity, "--validity", kSecondsPerHour));
    if (validity_ < kShortest) return fail(ErrorCode::usage, "--validity: ten seconds at least");
    // The address first: nothing is made for one that cannot be had.
    http::ListeningSocket socket = TRY(open_listener(options_.listen));
    host_ = socket.host();
    port_ = socket.port();
    const std::string root = TRY(context_.root());
    root_ = TRY(context_.environment().files.absolute_path(root));
    durable::Runtime runtime = TRY(context_.runtime());
    const auto service = runtime.files.stat_path(service_directory());
    if (service && service->type != fs::FileType::directory)
      return fail(ErrorCode::foreign_file, "'" + service_directory() + "' is not a directory", "move it away");
    // Web servers go through it to the certificates; what is private begins below it.
    durable::CreatedDirectories created;
    TRY(created.ensure(runtime.files, root_, 0755));
    TRY_CONTEXT(ensure_authority(runtime), "the CA");
    TRY_CONTEXT(ensure_certificate(runtime), "the certificate for localhost");
    TRY_CONTEXT(write_first_servers(runtime), "the first servers");
    ServeOptions serving;
    serving.listen = options_.listen;
    serving.certificate = kHost;
    serving.client_ca = anchor();
    serving.client_crl = fs::join_path(ca_directory(), ca::kCrlFile);
    const ServeHooks hooks{
        .ready = [this](std::uint16_t port, const service::AccessToken& token) { return welcome(port, token); },
        .upkeep = [this, &runtime] { look_after(runtime); },
        .list_may_be_missing = true};
    return serve(context_, std::move(socket), serving, hooks);
  }

 private:
  [[nodiscard]] std::string ca_directory() const { return fs::join_path(root_, "ca"); }
  [[nodiscard]] std::string anchor() const { return fs::join_path(ca_directory(), ca::kCertificateFile); }
  [[nodiscard]] std::string service_directory() const { return fs::join_path(root_, "service"); }
  // What the page is called by: localhost, or the address where that is another one.
  [[nodiscard]] std::string called() const {
    if (host_.empty() || host_ == kLoopback || host_ == "::1") return kHost;
    return host_.find(':') == std::string::npos ? host_ : "[" + host_ + "]";
  }
  UnixSeconds now() { return context_.environment().clock.now(); }

  Status ensure_authority(durable::Runtime& runtime) {
    ca::FlatLedger ledger(runtime, ca_directory(), [this](const std::string& text) { context_.warn(text); });
    if (ledger.check_initialized()) return {};
    TRY(ledger.check_can_initialize());
    const x509::Name subject = TRY(x509::Name::parse_text("CN=Lockstep Local Root"));
    const ca::NewAuthority made =
        TRY(ca::make_authority(subject, crypto::KeyAlgorithm::ecdsa_p256, kRootLifetime, now()));
    TRY(ledger.initialize(made.files));
    context_.notice("made a CA in '" + ca_directory() + "'");
    return {};
  }

  // The live certificate, unless it is due: two thirds of its life are over, or it is of another CA.
  Status ensure_certificate(durable::Runtime& runtime) {
    const auto live = certstore::load_leaf(runtime, root_, kHost);
    if (!live && live.error().code != ErrorCode::not_found) return fail(live.error());
    const std::string root_pem = TRY(fs::read_input(runtime.files, anchor(), certstore::kMemberLimit));
    const x509::Certificate root = TRY(x509::parse_certificate(root_pem, anchor()));
    if (now() < root.not_before) {
      return fail(ErrorCode::untrusted,
                  "the CA begins only at " + format_rfc3339(root.not_before) + ": it is " + format_rfc3339(now()),
                  "set the clock right; or, if the CA was made while it was ahead, move '" + ca_directory() + "' away");
    }
    const std::vector<x509::AlternativeName> names = TRY(own_names());
    if (live) {
      const x509::Certificate& leaf = live->leaf;
      const auto ours = x509::is_signed_by(leaf, root.public_key_info);
      const bool named = std::ranges::all_of(names, [&](const x509::AlternativeName& name) {
        return std::ranges::any_of(leaf.alternative_names, [&](const x509::AlternativeName& has) {
          return has.type == name.type && has.value == name.value;
        });
      });
      renew_at_ = leaf.not_before + (leaf.not_after - leaf.not_before) * 2 / 3;
      if (ours && *ours && named && now() >= leaf.not_before && now() < renew_at_) return {};
    }
    return issue(runtime, names);
  }

  [[nodiscard]] Result<std::vector<x509::AlternativeName>> own_names() const {
    std::vector<std::string> texts = {"DNS:localhost", "IP:127.0.0.1", "IP:::1"};
    if (!host_.empty() && host_ != kLoopback && host_ != "::1") texts.push_back("IP:" + host_);
    std::vector<x509::AlternativeName> names;
    for (const std::string& text : texts) {
      x509::AlternativeName name = TRY(x509::parse_alternative_name(text));
      names.push_back(std::move(name));
    }
    return names;
  }

  Status issue(durable::Runtime& runtime, const std::vector<x509::AlternativeName>& names) {
    const x509::Name subject = TRY(x509::Name::parse_text("CN=localhost"));
    const crypto::PrivateKey key = TRY(crypto::PrivateKey::generate(crypto::KeyType::ec256));
    const std::string der = TRY(x509::make_request(subject, names, key));
    const x509::Request request = TRY(ca::accept_request(der, "the request"));
    ca::FlatLedger ledger(runtime, ca_directory(), [this](const std::string& text) { context_.warn(text); });
    const ca::SignOptions how{.policy = {.profile = ca::Profile::server, .validity_seconds = validity_},
                              .progress = {}};
    const std::vector<ca::Issued> issued = TRY(ca::sign_requests(ledger, {request}, how, now()));
    const SecretBytes key_pem = TRY(key.to_pem());
    const certstore::CertificateSet set = TRY(certstore::parse_set({.certificate_pem = issued.front().pem,
                                                                    .certificate_name = "the new certificate",
                                                                    .key_pem = key_pem.reveal(),
                                                                    .key_name = "the new key",
                                                                    .chain_pem = {},
                                                                    .chain_name = {}}));
    TRY(certstore::install(runtime, root_, kHost, set, certstore::metadata_of(set.leaf, program_and_version()), {}));
    renew_at_ = set.leaf.not_before + (set.leaf.not_after - set.leaf.not_before) * 2 / 3;
    context_.notice("a new certificate for localhost, until " + format_rfc3339(set.leaf.not_after));
    return {};
  }

  // The service itself, and what listens on this machine; only where nothing was ever configured.
  Status write_first_servers(durable::Runtime& runtime) {
    // A port that is another one at each start is not worth remembering.
    if (options_.listen.ends_with(":0") || options_.listen == "0") return {};
    const std::string directory = service_directory();
    const std::string servers_path = fs::join_path(directory, service::kServersFile);
    const std::string layout_path = fs::join_path(directory, service::kLayoutFile);
    if (runtime.files.stat_path(servers_path) || runtime.files.stat_path(layout_path)) return {};
    using nlohmann::ordered_json;
    ordered_json servers = ordered_json::array();
    ordered_json here = ordered_json::array();
    const auto add = [&](ordered_json server) {
      std::string number = std::to_string(servers.size() + 1);
      number.insert(0, 3 - std::min<std::size_t>(3, number.size()), '0');
      ordered_json entry = {{"id", "server-" + number}};
      entry.update(server);
      servers.push_back(std::move(entry));
      return "server-" + number;
    };
    ordered_json itself = ordered_json::array();
    itself.push_back(add({{"name", "Lockstep status service"},
                          {"ip", host_.empty() ? kLoopback : host_},
                          {"dnsAddress", kHost},
                          {"port", port_},
                          {"protocol", "https"},
                          {"checkIntervalSeconds", 10},
                          {"expiryWarningDays", 1},
                          {"caBundle", anchor()}}));
    const std::set<std::uint16_t> listening = listening_ports(runtime.files);
    for (const KnownPort& known : kKnownPorts) {
      if (!listening.contains(known.port) || known.port == port_ || here.size() >= kMostPorts) continue;
      here.push_back(
          add({{"name", known.name}, {"ip", "127.0.0.1"}, {"port", known.port}, {"protocol", known.protocol}}));
    }
    ordered_json groups = ordered_json::array();
    const auto group = [&](const char* name, const ordered_json& ids) {
      if (ids.empty()) return;
      const std::size_t number = groups.size() + 1;
      groups.push_back({{"id", "group-" + std::to_string(number)},
                        {"name", name},
                        {"order", number},
                        {"serverIds", ids},
                        {"rowNumber", 1},
                        {"rowOrder", number}});
    };
    group("Lockstep", itself);
    group("This machine", here);
    durable::CreatedDirectories created;
    TRY(created.ensure(runtime.files, directory, 0700));
    TRY(durable::publish(
        runtime, {{.path = servers_path, .content = servers.dump(2) + "\n", .mode = {}},
                  {.path = layout_path, .content = ordered_json{{"groups", groups}}.dump(2) + "\n", .mode = {}}}));
    return {};
  }

  Status welcome(std::uint16_t port, const service::AccessToken& token) {
    const std::string address = "https://" + called() + ":" + std::to_string(port) + "/";
    const std::string token_file = fs::join_path(service_directory(), "token");
    std::vector<std::pair<std::string, std::string>> fields = {{"Status page", address}};
    nlohmann::ordered_json document = {{"address", address}, {"token_file", token_file}, {"root", anchor()}};
    if (token.made) {
      fields.emplace_back("Token for changes",
                          std::string(token.text.reveal()) + " (shown once; kept in " + token_file + ")");
      document["token"] = token.text.reveal();
    } else {
      fields.emplace_back("Token for changes", "in " + token_file);
    }
    fields.emplace_back("Root certificate", anchor());
    return context_.deliver("Lockstep is up.\n" + field_lines(fields) +
                                "Trust the root, so that browsers believe the page:\n"
                                "  curl --cacert " +
                                anchor() + " " + address +
                                "health\n"
                                "  sudo cp " +
                                anchor() +
                                " /usr/local/share/ca-certificates/lockstep-local.crt && sudo update-ca-certificates\n"
                                "  (Firefox and Chromium: import it as an authority in their certificate settings)\n",
                            document);
  }

  // What is shown goes on being shown when this fails.
  void look_after(durable::Runtime& runtime) {
    if (now() < std::max(renew_at_, try_at_)) return;
    // The loop that asks for this also ends the program and rereads its configuration: it cannot wait for a lock.
    durable::Runtime impatient = runtime;
    impatient.lock_timeout = kUpkeepLockTimeout;
    const Status done = ensure_certificate(impatient);
    if (done) return;
    const bool busy = done.error().code == ErrorCode::lock_timeout;
    try_at_ = now() + (busy ? kWhenBusy : kAfterTrouble);
    context_.warn("the certificate for localhost could not be renewed: " + done.error().message);
  }

  Context& context_;
  const Options& options_;
  std::int64_t validity_ = 0;
  std::string root_;
  std::string host_;  // that is listened on; empty: all addresses
  std::uint16_t port_ = 0;
  UnixSeconds renew_at_ = 0;
  UnixSeconds try_at_ = 0;
};

}  // namespace

void add_up(CLI::App& program, std::string* root, Action* action) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = add_command(program, "up", "Set up a CA, a certificate for localhost and the status service",
                                  "lockstep up --path lockstep-data");
  command->add_option("--path", *root, "Where everything is kept (default $LOCKSTEP_PATH, else ./lockstep-data)");
  command->add_option("--listen", options->listen, "Address and port of the page")->capture_default_str();
  command
      ->add_option("--validity", options->validity,
                   "How long the certificate is valid; it is renewed when a third of that is left")
      ->capture_default_str();
  command->callback(
      [options, action] { *action = [options](Context& context) { return Up(context, *options).run(); }; });
}

}  // namespace lockstep::cli
