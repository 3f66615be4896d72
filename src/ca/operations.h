// What a CA does: each function is one command's work, without its text.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ca/issue.h"
#include "ca/ledger.h"

namespace lockstep::ca {

// Makes the CA's key and self-signed root. Nothing is stored yet.
struct NewAuthority {
  AuthorityFiles files;
  x509::Certificate certificate;
};
Result<NewAuthority> make_authority(const x509::Name& subject, crypto::KeyAlgorithm algorithm,
                                    std::int64_t validity_seconds, UnixSeconds now);

// Reads and proves one request; `name` is what errors call it.
Result<x509::Request> accept_request(std::string_view bytes, std::string_view name);

struct Issued {
  IndexEntry entry;
  std::string pem;
  bool shortened = false;
};
struct SignOptions {
  IssuePolicy policy;
  unsigned jobs = 1;                               // threads that sign
  std::function<void(std::size_t done)> progress;  // called from one thread at a time; may be empty
};
// Issues a certificate for every request, in order, in one commit. The requests have been accepted.
Result<std::vector<Issued>> sign_requests(Ledger& ledger, const std::vector<x509::Request>& requests,
                                          const SignOptions& options, UnixSeconds now);

// What signs: the CA's certificate and the key that belongs to it.
struct Signer {
  Authority authority;
  crypto::PrivateKey key;
};
// Error: damaged when the key is not the certificate's.
Result<Signer> load_signer(LedgerWriter& ledger);
// One certificate for a request that was accepted. Errors: those of plan_certificate.
Result<Issued> issue_one(const Signer& signer, const x509::Request& request, const IssuePolicy& policy, Serial serial,
                         UnixSeconds now);

struct PublishedCrl {
  UnixSeconds this_update = 0;
  UnixSeconds next_update = 0;
  Serial number = 0;
  std::size_t revoked = 0;
};
Result<PublishedCrl> publish_crl(Ledger& ledger, std::int64_t next_update_seconds, UnixSeconds now);

// Calls work(0) … work(count - 1) on up to `jobs` threads; the error of the lowest index wins.
Status for_each_parallel(std::size_t count, unsigned jobs, const std::function<Status(std::size_t)>& work);

}  // namespace lockstep::ca
