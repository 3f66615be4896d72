// Writing CRLs: entries are encoded as they come; the list is hashed, signed and handed out in pieces.
#include <openssl/evp.h>

#include <array>

#include "base/hex.h"
#include "crypto/der.h"
#include "crypto/digest.h"
#include "x509/asn1_time.h"
#include "x509/crl.h"
#include "x509/extensions.h"

namespace lockstep::x509 {

namespace {

constexpr std::string_view kVersion2 = "\x02\x01\x01"sv;
constexpr std::size_t kChunk = 1U << 20U;
constexpr std::size_t kLargestEntry = 256;

// reasonCode (RFC 5280 5.3.1) as crlEntryExtensions, complete.
std::string encode_reason(RevocationReason reason) {
  const std::string value = der::encode(der::kEnumerated, std::string(1, static_cast<char>(reason)));
  return der::encode(der::kSequence, encode_extension(kOidReasonCode, false, value));
}

const std::string& reason_extensions(RevocationReason reason) {
  static const std::array<std::string, 6> encoded = [] {
    std::array<std::string, 6> all;
    for (std::size_t i = 1; i < all.size(); ++i) all[i] = encode_reason(static_cast<RevocationReason>(i));
    return all;
  }();
  return encoded[static_cast<std::size_t>(reason)];
}

// PEM in pieces: 48 bytes make a line of 64 characters.
class PemWriter {
 public:
  PemWriter(std::string label, const std::function<Status(std::string_view)>& sink)
      : label_(std::move(label)), sink_(sink) {}

  Status begin() { return sink_("-----BEGIN " + label_ + "-----\n"); }

  Status write(std::string_view bytes) {
    if (!rest_.empty()) {
      const std::size_t wanted = std::min(kLine - rest_.size(), bytes.size());
      rest_.append(bytes.substr(0, wanted));
      bytes.remove_prefix(wanted);
      if (rest_.size() < kLine) return {};
      TRY(write_lines(rest_));
      rest_.clear();
    }
    const std::size_t whole = bytes.size() / kLine * kLine;
    for (std::size_t at = 0; at < whole; at += kBlock) TRY(write_lines(bytes.substr(at, std::min(kBlock, whole - at))));
    rest_.assign(bytes.substr(whole));
    return {};
  }

  Status end() {
    if (!rest_.empty()) TRY(write_lines(rest_));
    return sink_("-----END " + label_ + "-----\n");
  }

 private:
  static constexpr std::size_t kLine = 48;
  static constexpr std::size_t kBlock = kLine * 2048;

  Status write_lines(std::string_view bytes) {
    text_.resize((bytes.size() / kLine + 1) * 65 + 1);
    char* out = text_.data();
    while (!bytes.empty()) {
      const std::size_t count = std::min(kLine, bytes.size());
      out += EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out),
                             reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(count));
      *out++ = '\n';
      bytes.remove_prefix(count);
    }
    return sink_(std::string_view(text_.data(), static_cast<std::size_t>(out - text_.data())));
  }

  std::string label_;
  const std::function<Status(std::string_view)>& sink_;
  std::string rest_;
  std::string text_;
};

}  // namespace

CrlBuilder::CrlBuilder(CrlHeader header) : header_(std::move(header)) {}

Status CrlBuilder::add(std::string_view serial_hex, UnixSeconds revoked_at, RevocationReason reason) {
  // Most serials have a few octets: decoded on the stack, without the errors that hex_decode can say.
  std::array<char, 21> serial{};
  std::size_t length = 0;
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  if (serial_hex.empty() || serial_hex.size() % 2 != 0 || serial_hex.size() > 40) {
    return fail(ErrorCode::invalid_argument, "not a serial number: '" + std::string(serial_hex) + "'");
  }
  for (std::size_t i = 0; i < serial_hex.size(); i += 2) {
    const int high = digit(serial_hex[i]);
    const int low = digit(serial_hex[i + 1]);
    if (high < 0 || low < 0) {
      return fail(ErrorCode::invalid_argument, "not a serial number: '" + std::string(serial_hex) + "'");
    }
    const int octet = high * 16 + low;
    if (length == 0 && octet >= 0x80) serial[length++] = 0;  // stays positive
    if (length == 0 && octet == 0 && i + 2 < serial_hex.size()) continue;
    serial[length++] = static_cast<char>(octet);
  }
  if (revoked_at != last_time_ || last_time_der_.empty()) {
    last_time_ = revoked_at;
    last_time_der_ = encode_time(revoked_at);
  }
  if (chunks_.empty() || chunks_.back().size() + kLargestEntry > kChunk) {
    chunks_.emplace_back();
    chunks_.back().reserve(kChunk);
  }
  std::string& out = chunks_.back();
  const std::string_view reasons =
      reason == RevocationReason::unspecified ? std::string_view() : std::string_view(reason_extensions(reason));
  der::append_header(out, der::kSequence, 2 + length + last_time_der_.size() + reasons.size());
  der::append_header(out, der::kInteger, length);
  out.append(serial.data(), length);
  out.append(last_time_der_).append(reasons);
  ++count_;
  return {};
}

std::size_t CrlBuilder::entries_length() const {
  std::size_t length = 0;
  for (const std::string& chunk : chunks_) length += chunk.size();
  return length;
}

// TBSCertList up to the entries, its own header included; what follows the entries is `tail` long.
Result<std::string> CrlBuilder::encode_head(std::string_view algorithm, std::size_t tail) const {
  std::string fields(kVersion2);
  fields.append(algorithm).append(header_.issuer_der);
  fields.append(encode_time(header_.this_update)).append(encode_time(header_.next_update));
  const std::size_t entries = entries_length();
  // RFC 5280 5.1.2.6: no list at all when nothing is revoked.
  if (count_ != 0) der::append_header(fields, der::kSequence, entries);
  std::string head;
  der::append_header(head, der::kSequence, fields.size() + entries + tail);
  return head + fields;
}

Status CrlBuilder::finish(const crypto::PrivateKey& issuer_key, const std::function<Status(std::string_view)>& sink) {
  const std::string_view algorithm = issuer_key.signature_algorithm();
  const std::string number = TRY(encode_serial(header_.number));
  const std::string extensions =
      encode_extension(kOidAuthorityKeyId, false, encode_authority_key_id(header_.authority_key_id)) +
      encode_extension(kOidCrlNumber, false, number);
  const std::string tail = der::encode(der::context_constructed(0), der::encode(der::kSequence, extensions));
  const std::string head = TRY(encode_head(algorithm, tail.size()));

  crypto::Sha256 digest;
  digest.update(head);
  for (const std::string& chunk : chunks_) digest.update(chunk);
  digest.update(tail);
  const std::string signature = TRY(issuer_key.sign_digest(digest.finish_raw()));
  std::string end(algorithm);
  end += der::encode_bit_string(signature);

  std::string outer;
  der::append_header(outer, der::kSequence, head.size() + entries_length() + tail.size() + end.size());
  PemWriter pem("X509 CRL", sink);
  TRY(pem.begin());
  TRY(pem.write(outer));
  TRY(pem.write(head));
  for (const std::string& chunk : chunks_) TRY(pem.write(chunk));
  TRY(pem.write(tail));
  TRY(pem.write(end));
  return pem.end();
}

}  // namespace lockstep::x509
