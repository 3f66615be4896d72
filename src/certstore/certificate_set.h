// A leaf, its chain and its key: what they must be to be installed together.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "crypto/private_key.h"
#include "x509/certificate.h"

namespace lockstep::certstore {

struct CertificateSet {
  x509::Certificate leaf;
  std::vector<x509::Certificate> chain;  // intermediates, the leaf's issuer first
  crypto::PrivateKey key;
  SecretBytes key_pem;  // PKCS#8
};

// Reads a set: the certificate file's first certificate is the leaf, what follows it and the chain file is the chain.
// Names are what errors call the inputs.
struct SetInput {
  std::string_view certificate_pem, certificate_name;
  std::string_view key_pem, key_name;
  std::string_view chain_pem, chain_name;  // empty without a chain
};
Result<CertificateSet> parse_set(const SetInput& input);

// One thing that is wrong with a set. `waivable`: a person may insist (--force).
struct SetProblem {
  std::string message;
  bool waivable = false;
};

struct SetPolicy {
  std::string domain;
  UnixSeconds now = 0;
  std::vector<x509::Certificate> anchors;  // a path to one of them is required, unless empty
};

// Everything that is wrong: the pair, each link of the chain, the path to an anchor, the names, the dates.
Result<std::vector<SetProblem>> examine_set(const CertificateSet& set, const SetPolicy& policy);

}  // namespace lockstep::certstore
