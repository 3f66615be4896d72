#include "crypto/openssl_pointer.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

// The low-level EC_KEY and RSA objects are deprecated; public_key.cc says why they are used.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace lockstep::crypto {

void OpensslFree::operator()(asn1_string_st* object) const { ASN1_STRING_free(object); }
void OpensslFree::operator()(asn1_type_st* object) const { ASN1_TYPE_free(object); }
void OpensslFree::operator()(bio_st* object) const { BIO_free_all(object); }
void OpensslFree::operator()(ec_group_st* object) const { EC_GROUP_free(object); }
void OpensslFree::operator()(ec_key_st* object) const { EC_KEY_free(object); }
void OpensslFree::operator()(ec_point_st* object) const { EC_POINT_free(object); }
void OpensslFree::operator()(evp_md_ctx_st* object) const { EVP_MD_CTX_free(object); }
void OpensslFree::operator()(evp_pkey_st* object) const { EVP_PKEY_free(object); }
void OpensslFree::operator()(rsa_st* object) const { RSA_free(object); }
void OpensslFree::operator()(x509_st* object) const { X509_free(object); }
void OpensslFree::operator()(X509_algor_st* object) const { X509_ALGOR_free(object); }

}  // namespace lockstep::crypto
