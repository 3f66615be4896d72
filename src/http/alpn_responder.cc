#include "http/alpn_responder.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <mutex>

#include "http/tcp_listener.h"

namespace lockstep::http {

namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::string_view kProtocol{
    "\x0a"
    "acme-tls/1",
    11};  // with its length, as on the wire

struct Free {
  void operator()(BIO* object) const { BIO_free(object); }
  void operator()(X509* object) const { X509_free(object); }
  void operator()(EVP_PKEY* object) const { EVP_PKEY_free(object); }
};
template <class T>
using Pointer = std::unique_ptr<T, Free>;

// Names in SNI are compared without regard to case (RFC 6066 section 3).
std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// Never asks for a passphrase at the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

Pointer<BIO> reader(std::string_view text) {
  return Pointer<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::unexpected<Error> refused(ErrorCode code, const std::string& what) {
  // What OpenSSL thinks about a challenge's own bytes would tell nobody anything.
  ERR_clear_error();
  return fail(code, what);
}

struct Pair {
  Pointer<X509> certificate;
  Pointer<EVP_PKEY> key;
};

Result<Pair> read_pair(const std::string& certificate_pem, const SecretBytes& key_pem) {
  const Pointer<BIO> certificate = reader(certificate_pem);
  const Pointer<BIO> key = reader(key_pem.reveal());
  Pair pair;
  pair.certificate.reset(PEM_read_bio_X509(certificate.get(), nullptr, no_passphrase, nullptr));
  if (!pair.certificate) return refused(ErrorCode::parse_error, "the certificate of a challenge cannot be read");
  pair.key.reset(PEM_read_bio_PrivateKey(key.get(), nullptr, no_passphrase, nullptr));
  if (!pair.key) return refused(ErrorCode::parse_error, "the key of a challenge cannot be read");
  if (X509_check_private_key(pair.certificate.get(), pair.key.get()) != 1) {
    return refused(ErrorCode::untrusted, "the key of a challenge is not its certificate's");
  }
  return pair;
}

// The certificates by name: changed by the threads of orders, looked up in the server's thread.
class Certificates {
 public:
  void put(const std::string& name, Pair pair) {
    const std::lock_guard lock(mutex_);
    by_name_[lower(name)] = std::move(pair);
  }

  void remove(const std::string& name) {
    const std::lock_guard lock(mutex_);
    by_name_.erase(lower(name));
  }

  // False when there is none.
  bool use(SSL* connection, const char* name) const {
    const std::lock_guard lock(mutex_);
    const auto found = name == nullptr ? by_name_.end() : by_name_.find(lower(name));
    return found != by_name_.end() && SSL_use_certificate(connection, found->second.certificate.get()) == 1 &&
           SSL_use_PrivateKey(connection, found->second.key.get()) == 1;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Pair> by_name_;
};

// A client that offers no protocol at all would otherwise be served without one.
int require_protocols(SSL* connection, int* alert, void*) {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(connection, TLSEXT_TYPE_application_layer_protocol_negotiation, &data, &size) == 1) {
    return SSL_CLIENT_HELLO_SUCCESS;
  }
  *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
  return SSL_CLIENT_HELLO_ERROR;
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned offered_size, void*) {
  unsigned char* chosen = nullptr;
  const auto* ours = reinterpret_cast<const unsigned char*>(kProtocol.data());
  const int found =
      SSL_select_next_proto(&chosen, out_size, ours, static_cast<unsigned>(kProtocol.size()), offered, offered_size);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

int choose_certificate(SSL* connection, int* alert, void* certificates) {
  const char* name = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
  if (static_cast<const Certificates*>(certificates)->use(connection, name)) return SSL_TLSEXT_ERR_OK;
  *alert = SSL_AD_UNRECOGNIZED_NAME;
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

void set_up(ssl::context& context, Certificates& certificates) {
  SSL_CTX* native = context.native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);  // RFC 8737 section 3
  // A resumed session would show no certificate.
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(native, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_num_tickets(native, 0);
  SSL_CTX_set_client_hello_cb(native, require_protocols, nullptr);
  SSL_CTX_set_alpn_select_cb(native, choose_protocol, nullptr);
  SSL_CTX_set_tlsext_servername_callback(native, choose_certificate);
  SSL_CTX_set_tlsext_servername_arg(native, &certificates);
}

// One handshake, in which everything is said (RFC 8737 section 3: no application data follows).
class Handshake : public std::enable_shared_from_this<Handshake> {
 public:
  Handshake(tcp::socket socket, Place place, ssl::context& context)
      : place_(std::move(place)), deadline_(socket.get_executor()), stream_(std::move(socket), context) {}

  void start(std::chrono::milliseconds limit) {
    deadline_.expires_after(limit);
    deadline_.async_wait([weak = weak_from_this()](error_code error) {
      const auto self = weak.lock();
      if (!error && self) self->close();
    });
    stream_.async_handshake(ssl::stream_base::server, [self = shared_from_this()](error_code error) {
      if (!error) self->finish();
    });
  }

 private:
  void finish() {
    // Waits for the client's good-bye too: a connection that is closed before may take the certificate with it.
    stream_.async_shutdown([self = shared_from_this()](error_code) { self->close(); });
  }

  void close() {
    error_code ignored;  // whether it was still open does not matter
    stream_.next_layer().close(ignored);
  }

  Place place_;  // first, so that it is given back when the socket has been closed
  asio::steady_timer deadline_;
  ssl::stream<tcp::socket> stream_;
};

class AsioAlpnResponder final : public AlpnResponder {
 public:
  AsioAlpnResponder(ListeningSocket socket, const ServerLimits& limits)
      : limit_(limits.request),
        listener_(std::move(socket), limits.connections, [this](tcp::socket connection, Place place) {
          std::make_shared<Handshake>(std::move(connection), std::move(place), tls_)->start(limit_);
        }) {
    set_up(tls_, certificates_);
  }

  Status start() { return listener_.start(); }

  [[nodiscard]] std::uint16_t port() const override { return listener_.port(); }

  Status add(const std::string& server_name, const std::string& certificate_pem, const SecretBytes& key_pem) override {
    Pair pair = TRY(read_pair(certificate_pem, key_pem));
    certificates_.put(server_name, std::move(pair));
    return {};
  }

  void remove(const std::string& server_name) override { certificates_.remove(server_name); }

 private:
  std::chrono::milliseconds limit_;
  Certificates certificates_;
  ssl::context tls_{ssl::context::tls_server};
  TcpListener listener_;  // last: its thread has ended before anything else is destroyed
};

}  // namespace

Result<std::unique_ptr<AlpnResponder>> AlpnResponder::listen(const std::string& address, const ServerLimits& limits) {
  ListeningSocket socket = TRY(ListeningSocket::open(address));
  auto responder = std::make_unique<AsioAlpnResponder>(std::move(socket), limits);
  TRY(responder->start());
  return responder;
}

}  // namespace lockstep::http
