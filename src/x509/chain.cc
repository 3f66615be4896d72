#include "x509/chain.h"

#include <openssl/x509_vfy.h>

#include "crypto/openssl_error.h"

namespace lockstep::x509 {

namespace {

struct Free {
  void operator()(X509* object) const { X509_free(object); }
  void operator()(X509_STORE* object) const { X509_STORE_free(object); }
  void operator()(X509_STORE_CTX* object) const { X509_STORE_CTX_free(object); }
  void operator()(STACK_OF(X509) * object) const { sk_X509_pop_free(object, X509_free); }
};
using X509Pointer = std::unique_ptr<X509, Free>;
using StorePointer = std::unique_ptr<X509_STORE, Free>;
using ContextPointer = std::unique_ptr<X509_STORE_CTX, Free>;
using StackPointer = std::unique_ptr<STACK_OF(X509), Free>;

Result<X509Pointer> decode(const Certificate& certificate) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(certificate.der.data());
  X509Pointer decoded(d2i_X509(nullptr, &bytes, static_cast<long>(certificate.der.size())));
  if (!decoded)
    return fail(crypto::openssl_error("cannot read the certificate of '" + certificate.subject.to_text() + "'"));
  return decoded;
}

Result<StorePointer> make_store(const std::vector<Certificate>& anchors, UnixSeconds time) {
  StorePointer store(X509_STORE_new());
  if (!store) return fail(crypto::openssl_error("cannot verify a chain"));
  for (const Certificate& anchor : anchors) {
    const X509Pointer decoded = TRY(decode(anchor));
    if (X509_STORE_add_cert(store.get(), decoded.get()) != 1)
      return fail(crypto::openssl_error("cannot verify a chain"));
  }
  X509_VERIFY_PARAM* parameters = X509_STORE_get0_param(store.get());
  // An intermediate that the operator trusts is an anchor like any other.
  if (X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN) != 1) {
    return fail(crypto::openssl_error("cannot verify a chain"));
  }
  X509_VERIFY_PARAM_set_time(parameters, static_cast<time_t>(time));
  return store;
}

// The subject that OpenSSL stopped at. The path need not follow the order that the certificates came in.
std::string subject_at_error(X509_STORE_CTX* context, const Certificate& leaf) {
  const X509* current = X509_STORE_CTX_get_current_cert(context);
  if (current == nullptr) return leaf.subject.to_text();
  unsigned char* encoded = nullptr;
  const int length = i2d_X509_NAME(X509_get_subject_name(current), &encoded);
  if (length <= 0) return leaf.subject.to_text();
  const auto name =
      Name::parse_der(std::string_view(reinterpret_cast<const char*>(encoded), static_cast<std::size_t>(length)));
  OPENSSL_free(encoded);
  return name ? name->to_text() : leaf.subject.to_text();
}

}  // namespace

Result<ChainVerdict> verify_chain(const Certificate& leaf, const std::vector<Certificate>& intermediates,
                                  const std::vector<Certificate>& anchors, UnixSeconds time) {
  const StorePointer store = TRY(make_store(anchors, time));
  const X509Pointer decoded_leaf = TRY(decode(leaf));
  const StackPointer untrusted(sk_X509_new_null());
  if (!untrusted) return fail(crypto::openssl_error("cannot verify a chain"));
  for (const Certificate& intermediate : intermediates) {
    X509Pointer decoded = TRY(decode(intermediate));
    if (sk_X509_push(untrusted.get(), decoded.get()) <= 0) return fail(crypto::openssl_error("cannot verify a chain"));
    static_cast<void>(decoded.release());  // the stack owns it now
  }
  const ContextPointer context(X509_STORE_CTX_new());
  if (!context || X509_STORE_CTX_init(context.get(), store.get(), decoded_leaf.get(), untrusted.get()) != 1) {
    return fail(crypto::openssl_error("cannot verify a chain"));
  }
  const int verified = X509_verify_cert(context.get());
  crypto::drop_openssl_errors();
  if (verified == 1) return ChainVerdict{.trusted = true, .reason = {}};
  const std::string subject = subject_at_error(context.get(), leaf);
  return ChainVerdict{.trusted = false,
                      .reason = std::string(X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()))) +
                                " ('" + subject + "')"};
}

}  // namespace lockstep::x509
