// Owners of OpenSSL's objects, without its headers.
#pragma once

#include <memory>

struct asn1_string_st;
struct asn1_type_st;
struct bio_st;
struct ec_group_st;
struct ec_key_st;
struct ec_point_st;
struct evp_md_ctx_st;
struct evp_pkey_st;
struct rsa_st;
struct x509_st;
struct X509_algor_st;

namespace lockstep::crypto {

struct OpensslFree {
  void operator()(asn1_string_st* object) const;
  void operator()(asn1_type_st* object) const;
  void operator()(bio_st* object) const;
  void operator()(ec_group_st* object) const;
  void operator()(ec_key_st* object) const;
  void operator()(ec_point_st* object) const;
  void operator()(evp_md_ctx_st* object) const;
  void operator()(evp_pkey_st* object) const;
  void operator()(rsa_st* object) const;
  void operator()(x509_st* object) const;
  void operator()(X509_algor_st* object) const;
};

template <class T>
using OpensslPointer = std::unique_ptr<T, OpensslFree>;

}  // namespace lockstep::crypto
