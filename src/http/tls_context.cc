#include "http/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace lockstep::http {

namespace {

namespace ssl = boost::asio::ssl;

constexpr long kMostPeerBytes = 32L * 1024;  // of the certificates that a client sends
constexpr int kMostCertificates = 8;

struct Free {
  void operator()(BIO* object) const { BIO_free(object); }
  void operator()(X509* object) const { X509_free(object); }
  void operator()(EVP_PKEY* object) const { EVP_PKEY_free(object); }
};
template <class T>
using Pointer = std::unique_ptr<T, Free>;

// Never asks for a passphrase at the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

// Who the client is, and whether that counts, is decided with the ledger at hand, not by OpenSSL.
int accept_any(X509_STORE_CTX*, void*) { return 1; }

Pointer<BIO> reader(std::string_view text) {
  return Pointer<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::unexpected<Error> refused(ErrorCode code, const std::string& what) {
  ERR_clear_error();
  return fail(code, what);
}

Status use_identity(SSL_CTX* context, const TlsIdentity& identity) {
  const Pointer<BIO> certificates = reader(identity.certificate_pem);
  const Pointer<X509> own(PEM_read_bio_X509(certificates.get(), nullptr, no_passphrase, nullptr));
  if (!own || SSL_CTX_use_certificate(context, own.get()) != 1)
    return refused(ErrorCode::parse_error, "the server's certificate cannot be used");
  for (int i = 0; i < kMostCertificates; ++i) {
    const Pointer<X509> next(PEM_read_bio_X509(certificates.get(), nullptr, no_passphrase, nullptr));
    if (!next) break;
    if (SSL_CTX_add1_chain_cert(context, next.get()) != 1)
      return refused(ErrorCode::parse_error, "the chain of the server's certificate cannot be used");
  }
  ERR_clear_error();  // the end of the text counts as an error there
  const Pointer<BIO> key_text = reader(identity.key_pem.reveal());
  const Pointer<EVP_PKEY> key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, no_passphrase, nullptr));
  if (!key) return refused(ErrorCode::parse_error, "the server's key cannot be read");
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
    return refused(ErrorCode::untrusted, "the server's key is not its certificate's");
  return {};
}

}  // namespace

Result<std::shared_ptr<ssl::context>> make_tls_context(const TlsIdentity& identity) {
  std::shared_ptr<ssl::context> context;
  try {
    context = std::make_shared<ssl::context>(ssl::context::tls_server);
  } catch (const boost::system::system_error& error) {
    return refused(ErrorCode::crypto_failure, std::string("TLS cannot be set up: ") + error.what());
  }
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(native, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_num_tickets(native, 0);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);  // idle connections hold no buffers
  SSL_CTX_set_max_cert_list(native, kMostPeerBytes);
  SSL_CTX_set_verify(native, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(native, accept_any, nullptr);
  TRY(use_identity(native, identity));
  return context;
}

}  // namespace lockstep::http
