#include "http/server.h"

#include <algorithm>
#include <boost/asio/ssl/context.hpp>
#include <future>

#include "http/session.h"
#include "http/tls_context.h"

namespace lockstep::http {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using beast::http::field;
using boost::system::error_code;

std::string to_string(beast::string_view text) { return {text.data(), text.size()}; }

// Path and query: clients of a proxy send the whole URL (RFC 9112 section 3.2.2). Empty for anything else.
std::string target_of(const BeastRequest& request) {
  std::string target = to_string(request.target());
  constexpr std::string_view kScheme = "http://";
  if (beast::iequals(request.target().substr(0, kScheme.size()), {kScheme.data(), kScheme.size()})) {
    const std::size_t path = target.find_first_of("/?", kScheme.size());
    target = path == std::string::npos ? "/" : target.substr(path);
    if (target.front() == '?') target.insert(0, "/");
  }
  return target.starts_with('/') ? target : std::string();
}

// `methods` as in Allow: "GET, HEAD". Names of methods are case-sensitive (RFC 9110 section 9.1).
bool is_listed(std::string_view methods, std::string_view method) {
  constexpr std::string_view kBetween = ", ";
  while (!methods.empty()) {
    const std::size_t end = std::min(methods.find(kBetween), methods.size());
    if (methods.substr(0, end) == method) return true;
    methods.remove_prefix(std::min(end + kBetween.size(), methods.size()));
  }
  return false;
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string address_of(const tcp::socket& socket) {
  error_code unknown;
  const tcp::endpoint endpoint = socket.remote_endpoint(unknown);
  if (unknown) return "unknown";
  asio::ip::address address = endpoint.address();
  // A socket of both families shows its IPv4 clients in the other form.
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  return address.to_string();
}

class BeastServer final : public Server {
 public:
  BeastServer(ListeningSocket socket, AsyncHandler handler, const ServerLimits& limits,
              std::shared_ptr<asio::ssl::context> tls, UnansweredObserver unanswered = {})
      : tls_(std::move(tls)),
        service_{.handler = std::move(handler), .limits = limits, .unanswered = std::move(unanswered)},
        listener_(std::move(socket), limits.connections,
                  [this](tcp::socket connection, Place place) { begin(std::move(connection), std::move(place)); }) {
    service_.listener = &listener_;
    service_.mailbox = std::make_shared<Mailbox>(listener_.context());
  }
  ~BeastServer() override { service_.mailbox->close(); }

  Status start() { return listener_.start(); }

  [[nodiscard]] std::uint16_t port() const override { return listener_.port(); }

  Status set_identity(const TlsIdentity& identity) override {
    auto next = TRY(make_tls_context(identity));
    const std::lock_guard lock(tls_mutex_);
    if (tls_ == nullptr) return fail(ErrorCode::invalid_argument, "this server speaks no TLS");
    tls_ = std::move(next);
    return {};
  }

  void drain(std::chrono::milliseconds longest) override {
    auto done = std::make_shared<std::promise<void>>();
    std::future<void> idle = done->get_future();
    asio::post(listener_.context(), [this, done] {
      listener_.stop_accepting();
      service_.draining = true;
      const auto streams = service_.streams;  // each takes itself out
      for (const auto& [session, end] : streams) end();
      if (service_.busy == 0) return done->set_value();
      service_.idle = [done] { done->set_value(); };
    });
    idle.wait_for(longest);
  }

 private:
  void begin(tcp::socket connection, Place place) {
    std::string address = address_of(connection);
    if (service_.limits.connections_of_address != 0) {
      std::size_t& open = service_.connections[address];
      if (open >= service_.limits.connections_of_address) return;  // closes it
      ++open;
      place = {nullptr, [this, address, inner = std::move(place)](void*) { let_go(address); }};
    }
    const std::lock_guard lock(tls_mutex_);
    if (tls_ == nullptr) {
      std::make_shared<Session<PlainStream>>(std::move(connection), std::move(place), service_, std::move(address))
          ->start();
    } else {
      // The connection keeps what it needs of the context when another takes its place.
      std::make_shared<Session<TlsStream>>(std::move(connection), std::move(place), service_, std::move(address), *tls_)
          ->start();
    }
  }

  void let_go(const std::string& address) {
    const auto found = service_.connections.find(address);
    if (found != service_.connections.end() && --found->second == 0) service_.connections.erase(found);
  }

  std::mutex tls_mutex_;
  std::shared_ptr<asio::ssl::context> tls_;  // nothing without TLS
  Service service_;
  TcpListener listener_;  // last: its thread and connections have ended before anything else is destroyed
};

}  // namespace

ServerResponse plain_answer(int status, std::string text) {
  return {.status = status, .body = std::move(text) + "\n", .headers = {{"X-Content-Type-Options", "nosniff"}}};
}

std::optional<ServerResponse> answer_to(const error_code& why) {
  using beast::http::error;
  if (why == error::header_limit || why == error::buffer_overflow) return plain_answer(431, "the header is too large");
  if (why == error::body_limit) return plain_answer(413, "the body is too large");
  if (why == error::end_of_stream || why == error::partial_message) return std::nullopt;
  if (why.category() != make_error_code(error::bad_method).category()) return std::nullopt;
  return plain_answer(400, "this is not an HTTP/1.1 request");
}

std::optional<ServerResponse> accept_request(const BeastRequest& request, const ServerLimits& limits,
                                             ServerRequest* accepted) {
  if (!is_listed(limits.methods, to_string(request.method_string())))
    return plain_answer(405, limits.methods + " are answered here");
  // RFC 9112 section 3.2: exactly one in HTTP/1.1.
  if (request.count(field::host) > 1 || (request.version() >= 11 && request.count(field::host) == 0)) {
    return plain_answer(400, "one Host header is needed");
  }
  std::string target = target_of(request);
  if (target.empty()) return plain_answer(400, "the target must be a path");
  *accepted = {.method = to_string(request.method_string()),
               .target = std::move(target),
               .host = to_string(request[field::host]),
               .body = request.body(),
               .accept = to_string(request[field::accept]),
               .address = {},
               .peer_chain = {},
               .headers = {}};
  for (const auto& header : request)
    accepted->headers.emplace_back(lower(to_string(header.name_string())), to_string(header.value()));
  return std::nullopt;
}

std::string_view ServerRequest::header(std::string_view lower_case_name) const {
  const auto found = std::ranges::find(headers, lower_case_name, &std::pair<std::string, std::string>::first);
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

Result<std::unique_ptr<Server>> Server::listen(const std::string& address, Handler handler,
                                               const ServerLimits& limits) {
  ListeningSocket socket = TRY(ListeningSocket::open(address));
  return listen_async(
      std::move(socket),
      [handler = std::move(handler)](const ServerRequest& request, const Responder& respond) {
        respond(handler(request));
        return ServerResponse{};  // never said: the answer has been given
      },
      limits);
}

Result<std::unique_ptr<Server>> Server::listen_async(ListeningSocket socket, AsyncHandler handler,
                                                     const ServerLimits& limits, UnansweredObserver unanswered) {
  auto server =
      std::make_unique<BeastServer>(std::move(socket), std::move(handler), limits, nullptr, std::move(unanswered));
  TRY(server->start());
  return server;
}

Result<std::unique_ptr<Server>> Server::listen_tls(ListeningSocket socket, const TlsIdentity& identity,
                                                   AsyncHandler handler, const ServerLimits& limits,
                                                   UnansweredObserver unanswered) {
  auto tls = TRY(make_tls_context(identity));
  auto server = std::make_unique<BeastServer>(std::move(socket), std::move(handler), limits, std::move(tls),
                                              std::move(unanswered));
  TRY(server->start());
  return server;
}

}  // namespace lockstep::http
