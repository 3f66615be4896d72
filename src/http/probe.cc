#include "http/probe.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <boost/asio/executor_work_guard.hpp>
#include <utility>

#include "http/accept_loop.h"
#include "http/probe_run.h"

namespace lockstep::http {

namespace {

namespace asio = boost::asio;

constexpr long kMostPeerBytes = 64L * 1024;  // of the certificates that an endpoint shows

// What is looked at are other people's servers, old ones too: which version and which certificate is a finding and no
// reason not to look.
void set_up(SSL_CTX* context) {
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_max_cert_list(context, kMostPeerBytes);
  // Its own verification would be done for nothing.
  SSL_CTX_set_cert_verify_callback(context, [](X509_STORE_CTX*, void*) { return 1; }, nullptr);
}

class AsioProber final : public Prober {
 public:
  explicit AsioProber(Clock& clock)
      : tls_(asio::ssl::context::tls_client),
        around_{.clock = clock,
                .context = context_,
                .tls = tls_,
                .names = names_,
                .mailbox = std::make_shared<Mailbox>(context_)} {
    set_up(tls_.native_handle());
  }
  ~AsioProber() override {
    around_.mailbox->close();
    thread_.reset();
  }

  Status start() {
    thread_ = TRY(ServerThread::start(context_));
    return {};
  }

  Handle probe(const ProbeTarget& target, std::function<void(ProbeResult)> done) override {
    const auto ticket = std::make_shared<ProbeTicket>();
    ticket->done = std::move(done);
    const auto run = std::make_shared<ProbeRun>(around_, target, ticket);
    around_.mailbox->post([run] { run->start(); });
    return {nullptr, [ticket, weak = std::weak_ptr(run), mailbox = around_.mailbox](void*) {
              if (ticket->settled.exchange(true)) return;
              mailbox->post([weak] {
                if (const auto given_up = weak.lock()) given_up->abort();
              });
            }};
  }

 private:
  NamePool names_;
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  asio::ssl::context tls_;
  ProbeSurroundings around_;
  std::unique_ptr<ServerThread> thread_;  // last: it has ended before anything else is destroyed
};

}  // namespace

Result<std::unique_ptr<Prober>> Prober::start(Clock& clock) {
  std::unique_ptr<AsioProber> prober;
  try {
    prober = std::make_unique<AsioProber>(clock);
  } catch (const boost::system::system_error& error) {
    ERR_clear_error();
    return fail(ErrorCode::crypto_failure, std::string("TLS cannot be set up: ") + error.what());
  }
  TRY(prober->start());
  return prober;
}

}  // namespace lockstep::http
