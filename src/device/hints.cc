#include "device/hints.h"

namespace lockstep::device {

namespace {

const char* remedy(Fault fault) {
  switch (fault) {
    case Fault::too_early:
    case Fault::over: return "check this device's clock";
    case Fault::other_anchor: return "check 'ca' (--ca), the CA that every identity must lead to";
    case Fault::itself: break;
  }
  return "ask the operator of the issuer";
}

}  // namespace

std::string rejection_hint(Fault fault, bool kept, const DeviceSettings& settings, bool has_live) {
  const bool acme = settings.issuer == IssuerKind::acme;
  std::string hint = remedy(fault);
  if (kept)
    hint += acme ? "; the next try takes the certificate of the same order" : "; the next try sends the same request";
  else if (acme)
    hint += "; it has used up an order, and the next try places another";
  return hint + (has_live ? "; the identity that was live is live still" : "; there is no identity yet");
}

Error for_device(Error error, const DeviceSettings& settings) {
  if (error.hint.find("--ca-bundle") == std::string::npos) return error;
  error.hint = settings.issuer == IssuerKind::acme
                   ? "for a private CA give its root as 'ca_bundle' of [acme]"
                   : "it must lead to the CA that 'ca' (--ca) names; the server's certificate may also have ended, or "
                     "this device's clock may be wrong";
  return error;
}

}  // namespace lockstep::device
