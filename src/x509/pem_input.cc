#include "x509/pem_input.h"

#include "crypto/der.h"
#include "x509/pem.h"

namespace lockstep::x509 {

namespace {

std::string described(std::string_view label) {
  if (label == kPemCertificate) return "a certificate";
  if (label == kPemRequest) return "a certificate request";
  if (label == kPemCrl) return "a CRL";
  if (label.ends_with(kPemPrivateKey)) return "a private key";
  std::string shown;
  for (const char c : label.substr(0, 40)) shown.push_back(c >= 0x20 && c < 0x7f ? c : '?');
  return "a '" + shown + "'";
}

// The first octet of DER is a '0' in ASCII, which a comment before PEM may begin with too.
bool is_der(std::string_view bytes) {
  if (static_cast<unsigned char>(bytes[0]) != der::kSequence) return false;
  der::Reader reader(bytes);
  der::Element element;
  return (reader.read(element) && reader.at_end()) || bytes.find("-----BEGIN ") == std::string_view::npos;
}

}  // namespace

Result<std::string> single_der(std::string_view bytes, const ExpectedInput& expected) {
  const std::string noun(expected.noun == "request" ? "CSR" : expected.noun);
  const auto bad = [&](const std::string& why) {
    return fail(ErrorCode::parse_error, "failed to parse " + noun + " from " + std::string(expected.name) + why);
  };
  if (bytes.empty()) return bad(": it is empty");
  if (is_der(bytes)) return std::string(bytes);
  const auto blocks = parse_pem(bytes);
  if (!blocks) return bad(": " + blocks.error().message);
  if (blocks->empty()) return bad(": it is neither PEM nor DER");
  std::size_t found = 0;
  const PemBlock* block = nullptr;
  for (const PemBlock& candidate : *blocks) {
    if (candidate.label != expected.label && (expected.synonym.empty() || candidate.label != expected.synonym))
      continue;
    ++found;
    block = &candidate;
  }
  if (found == 0) {
    return bad(": it holds " + described(blocks->front().label) + ", not a " + std::string(expected.noun));
  }
  if (found > 1) return bad(": it holds " + std::to_string(found) + " of them; give one a file");
  return block->der;
}

}  // namespace lockstep::x509
