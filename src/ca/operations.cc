#include "ca/operations.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "x509/pem.h"

namespace lockstep::ca {

Result<Signer> load_signer(LedgerWriter& ledger) {
  const AuthorityFiles files = TRY(ledger.authority());
  x509::Certificate certificate = TRY(x509::parse_certificate(files.certificate_pem, "ca.crt"));
  crypto::PrivateKey key = TRY(crypto::PrivateKey::from_pem(files.key_pem.reveal(), "ca.key"));
  if (key.public_key_info() != certificate.public_key_info) {
    return fail(ErrorCode::damaged, "ca.key is not the key of ca.crt", "run 'lockstep doctor'");
  }
  return Signer{{std::move(certificate)}, std::move(key)};
}

Result<Issued> issue_one(const Signer& signer, const x509::Request& request, const IssuePolicy& policy, Serial serial,
                         UnixSeconds now) {
  const IssuePlan plan = TRY(plan_certificate(signer.authority, request, policy, serial, now));
  const std::string der = TRY(x509::sign_certificate(plan.fields, signer.key));
  Issued issued;
  issued.entry = {.serial = serial,
                  .subject = request.subject.to_text(),
                  .not_before = plan.fields.not_before,
                  .not_after = plan.fields.not_after,
                  .revocation = {}};
  issued.pem = x509::encode_pem(x509::kPemCertificate, der);
  issued.shortened = plan.shortened;
  return issued;
}

Status for_each_parallel(std::size_t count, unsigned jobs, const std::function<Status(std::size_t)>& work) {
  if (jobs <= 1 || count <= 1) {
    for (std::size_t i = 0; i < count; ++i) TRY(work(i));
    return {};
  }
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::size_t failed_index = count;
  Error failure;
  const auto run = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      Status status = work(i);
      if (status) continue;
      const std::lock_guard guard(mutex);
      if (i < failed_index) {
        failed_index = i;
        failure = std::move(status).error();
      }
      next = count;
    }
  };
  std::vector<std::jthread> threads;
  try {
    for (unsigned i = 1; i < std::min<std::size_t>(jobs, count); ++i) threads.emplace_back(run);
  } catch (const std::system_error&) {
    // No more threads to be had: those there are do it, if need be this one alone.
  }
  run();
  threads.clear();  // joins
  if (failed_index != count) return fail(std::move(failure));
  return {};
}

Result<NewAuthority> make_authority(const x509::Name& subject, crypto::KeyAlgorithm algorithm,
                                    std::int64_t validity_seconds, UnixSeconds now) {
  const crypto::PrivateKey key = TRY(crypto::PrivateKey::generate(algorithm));
  const x509::CertificateFields fields = TRY(plan_root(subject, key.public_key_info(), validity_seconds, now));
  const std::string der = TRY(x509::sign_certificate(fields, key));
  NewAuthority authority;
  authority.certificate = TRY(x509::parse_certificate(der, "the new root"));
  authority.files.certificate_pem = x509::encode_pem(x509::kPemCertificate, der);
  authority.files.key_pem = TRY(key.to_pem());
  return authority;
}

Result<x509::Request> accept_request(std::string_view bytes, std::string_view name) {
  x509::Request request = TRY(x509::parse_request(bytes, name));
  TRY(x509::verify_request(request));
  if (request.subject.empty() && request.alternative_names_der.empty()) {
    return fail(ErrorCode::invalid_argument, "the request in " + std::string(name) +
                                                 " names nobody: it has neither a subject nor an alternative name");
  }
  return request;
}

Result<std::vector<Issued>> sign_requests(Ledger& ledger, const std::vector<x509::Request>& requests,
                                          const SignOptions& options, UnixSeconds now) {
  const std::unique_ptr<LedgerWriter> writer = TRY(ledger.write());
  const Signer signer = TRY(load_signer(*writer));
  const Serial first = writer->next_serial();
  std::vector<Issued> issued(requests.size());
  std::atomic<std::size_t> done = 0;
  std::mutex progress_mutex;
  TRY(for_each_parallel(requests.size(), options.jobs, [&](std::size_t i) -> Status {
    issued[i] = TRY(issue_one(signer, requests[i], options.policy, first + i, now));
    const std::size_t count = ++done;
    if (options.progress) {
      const std::lock_guard guard(progress_mutex);
      options.progress(count);
    }
    return {};
  }));
  std::vector<IssuedCertificate> records;
  records.reserve(issued.size());
  for (const Issued& certificate : issued) records.push_back({certificate.entry, certificate.pem});
  TRY(writer->issue(records));
  return issued;
}

Result<PublishedCrl> publish_crl(Ledger& ledger, std::int64_t next_update_seconds, UnixSeconds now) {
  const std::unique_ptr<LedgerWriter> writer = TRY(ledger.write());
  const Signer signer = TRY(load_signer(*writer));
  const Serial number = writer->next_crl_number();
  x509::CrlBuilder builder({.issuer_der = signer.authority.certificate.subject.der(),
                            .this_update = now,
                            .next_update = now + next_update_seconds,
                            .number = serial_to_hex(number),
                            .authority_key_id = signer.authority.certificate.subject_key_id});
  // Revocations come in runs of the same second: the last one's decoded time serves the next.
  std::string last_text;
  UnixSeconds last_time = 0;
  const auto observe = [&](const EntryGlance& entry) -> Status {
    if (entry.revoked_at != last_text) {
      last_time = TRY(parse_rfc3339(entry.revoked_at));
      last_text = entry.revoked_at;
    }
    const x509::RevocationReason reason = TRY(x509::parse_revocation_reason(entry.reason));
    return builder.add(entry.serial, last_time, reason);
  };
  TRY(writer->publish_crl(observe, [&](const LedgerWriter::Sink& sink) { return builder.finish(signer.key, sink); }));
  return PublishedCrl{now, now + next_update_seconds, number, builder.count()};
}

}  // namespace lockstep::ca
