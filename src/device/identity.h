// A device's identity: a key and its client certificate, with the chain that leads to the CA.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "x509/certificate.h"

namespace lockstep::device {

inline constexpr std::size_t kIdentityLimit = 1U << 20U;  // bytes of either half

struct Identity {
  std::string certificate_pem;  // the leaf first, then its chain
  SecretBytes key_pem;          // PKCS#8

  [[nodiscard]] Identity copy() const { return {certificate_pem, SecretBytes(std::string(key_pem.reveal()))}; }
};

// What a new identity must be.
struct Expectation {
  std::string subject_der;                   // of the device; empty: any
  std::vector<x509::AlternativeName> names;  // exactly these, in any order
  std::vector<x509::Certificate> anchors;    // a path to one of them
  UnixSeconds now = 0;
  std::int64_t skew = 300;  // seconds that the issuer's clock may be ahead of ours
};

// What is wrong with an identity: itself, or perhaps what the device judges it by.
enum class Fault {
  itself,        // nothing makes this one good
  too_early,     // it begins after our time: later, or by a clock that is right, it is good
  over,          // it ended before our time: at most by a clock that is right it is good
  other_anchor,  // it leads to none of our anchors: with others it may be good
};

struct Rejection {
  Fault fault = Fault::itself;
  std::string why;  // a clause for people
};

// Why the identity is not installed, or nothing when it is good: it parses; key and certificate belong together (proved
// by signing); it leads to an anchor; subject and names are the device's; it is inside its validity; it may be used for
// client authentication. What is wrong with it itself goes before what it is judged by.
std::optional<Rejection> reason_to_reject(const Identity& identity, const Expectation& expected);

// The leaf of a PEM text. Error: parse_error.
Result<x509::Certificate> leaf_of(const std::string& certificate_pem, const std::string& name);

// The same names, in any order.
bool same_names(std::vector<x509::AlternativeName> a, std::vector<x509::AlternativeName> b);

// Do the two halves belong together? Proved by signing and verifying; a half that cannot be read is a no.
bool is_pair(const Identity& identity);

}  // namespace lockstep::device
