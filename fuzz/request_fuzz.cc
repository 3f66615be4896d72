// Requests from strangers: what is accepted can be certified, and the certificate says what the request said.
#include "ca/issue.h"
#include "crypto/der.h"
#include "test_key.h"
#include "x509/pem.h"
#include "x509/request.h"

namespace {

using namespace lockstep;
using fuzz::require;

constexpr UnixSeconds kNow = 1'772'366'400;

const ca::Authority& authority() {
  static const ca::Authority made = [] {
    const x509::Name subject = fuzz::must(x509::Name::parse_text("CN=Root"), "a name can be made");
    return ca::Authority{fuzz::sign(fuzz::must(
        ca::plan_root(subject, fuzz::test_key().public_key_info(), 3650 * 86400, kNow), "a root can be planned"))};
  }();
  return made;
}

std::string texts(const std::vector<x509::AlternativeName>& names) {
  std::string text;
  for (const x509::AlternativeName& name : names) text += x509::to_text(name) + "\n";
  return text;
}

void check_issued(const x509::Request& request) {
  const auto plan = ca::plan_certificate(authority(), request, {}, 2, kNow);
  if (!plan) return;
  const x509::Certificate made = fuzz::sign(plan->fields);
  require(made.serial == "02" && !made.is_ca, "a request is not given more than it may have");
  if (request.alternative_names_der.empty()) {
    require(made.alternative_names.empty(), "a certificate has no name that was not asked for");
  } else {
    require(
        texts(made.alternative_names) == texts(fuzz::must(x509::decode_alternative_names(request.alternative_names_der),
                                                          "the names of an accepted request are read")),
        "a certificate has the names that were asked for");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto request = x509::parse_request(fuzz::text_of(data, size), "input");
  if (!request) return 0;
  static_cast<void>(x509::verify_request(*request));
  const std::string der = der::encode(
      der::kSequence, {request->signed_part, request->signature_algorithm, der::encode_bit_string(request->signature)});
  const x509::Request again = fuzz::must(x509::parse_request(x509::encode_pem(x509::kPemRequest, der), "written"),
                                         "a request that was put together from its parts is read");
  require(again.signed_part == request->signed_part && again.signature == request->signature &&
              again.subject.der() == request->subject.der() && again.public_key_info == request->public_key_info &&
              again.alternative_names_der == request->alternative_names_der,
          "a request reads back as it was");
  check_issued(*request);
  return 0;
}
