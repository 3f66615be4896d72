// Certificates and a TLS client for tests of servers and clients on the loopback.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "http/loopback_fixture.h"

namespace lockstep::http {

inline std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

struct TestPair {
  std::string certificate;
  SecretBytes key;
};

// Self-signed, with the name as its common name.
inline TestPair make_pair(const std::string& name) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate, subject);
  X509_sign(certificate, key, EVP_sha256());
  BIO* certificate_text = BIO_new(BIO_s_mem());
  BIO* key_text = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(certificate_text, certificate);
  PEM_write_bio_PrivateKey(key_text, key, nullptr, nullptr, 0, nullptr, nullptr);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return {text_of(certificate_text), SecretBytes(text_of(key_text))};
}

// Accepts whatever certificate it is shown.
class LoopbackTlsClient {
 public:
  explicit LoopbackTlsClient(std::uint16_t port)
      : client_(port), context_(SSL_CTX_new(TLS_client_method())), connection_(SSL_new(context_)) {
    SSL_set_fd(connection_, client_.descriptor());
    EXPECT_EQ(SSL_connect(connection_), 1);
  }
  LoopbackTlsClient(const LoopbackTlsClient&) = delete;
  LoopbackTlsClient& operator=(const LoopbackTlsClient&) = delete;
  ~LoopbackTlsClient() {
    SSL_free(connection_);
    SSL_CTX_free(context_);
  }

  [[nodiscard]] bool send(std::string_view bytes) const {
    return SSL_write(connection_, bytes.data(), static_cast<int>(bytes.size())) > 0;
  }
  // Until `ending` has come; what has come when the connection ends before.
  [[nodiscard]] std::string read_until(std::string_view ending) const {
    std::string all;
    while (!all.ends_with(ending) && read_some(all)) {
    }
    return all;
  }
  [[nodiscard]] std::string read_to_end() const {
    std::string all;
    while (read_some(all)) {
    }
    return all;
  }
  // True when the server has said that nothing more comes: the end was not cut off.
  [[nodiscard]] bool said_good_bye() const { return (SSL_get_shutdown(connection_) & SSL_RECEIVED_SHUTDOWN) != 0; }

 private:
  bool read_some(std::string& all) const {
    std::array<char, 4096> piece{};
    const int count = SSL_read(connection_, piece.data(), static_cast<int>(piece.size()));
    if (count <= 0) return false;
    all.append(piece.data(), static_cast<std::size_t>(count));
    return true;
  }

  LoopbackClient client_;
  SSL_CTX* context_;
  SSL* connection_;
};

}  // namespace lockstep::http
