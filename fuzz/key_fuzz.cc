// Private and public keys from anywhere: a key that is accepted signs what it verifies, and reads back as the same.
#include "crypto/private_key.h"
#include "property.h"

namespace {

using namespace lockstep;
using fuzz::require;

void check_private_key(std::string_view input) {
  const auto key = crypto::PrivateKey::from_pem(input, "input");
  if (!key) return;
  const auto pem = key->to_pem();
  require(pem.has_value(), "a key that was read can be written");
  const auto again = crypto::PrivateKey::from_pem(pem->reveal(), "written");
  require(again && again->public_key_info() == key->public_key_info() && again->algorithm() == key->algorithm(),
          "a key reads back as it was written");
  // A damaged key may refuse, or sign what does not verify: that is what the check of a pair is for. What one reading
  // of it signs, both verify the same.
  const auto signature = key->sign("content");
  if (!signature) return;
  const auto verified = crypto::verify_signature(key->public_key_info(), "content", *signature);
  require(
      !verified || !*verified || !crypto::verify_signature(key->public_key_info(), "other", *signature).value_or(true),
      "a signature is of one content");
}

void check_public_key(std::string_view input) {
  const auto algorithm = crypto::classify_public_key_info(input);
  const auto verified = crypto::verify_signature(input, "content", "signature");
  require(!verified || !*verified, "no signature is no signature");
  require(!algorithm || verified.has_value(), "with a key of an accepted kind a signature can be looked at");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  check_private_key(fuzz::text_of(data, size));
  check_public_key(fuzz::text_of(data, size));
  return 0;
}
