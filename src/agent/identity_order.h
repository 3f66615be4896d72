// An ACME CA as the issuer of a device's identity: one order for the device's own request, resumed wherever a run was
// cut off. The CA proves names, not devices: the certificate has the names of the request, and the subject that the CA
// gives it.
#pragma once

#include <memory>
#include <string>

#include "agent/toolbox.h"
#include "device/issuer.h"

namespace lockstep::agent {

// `settings` says which CA and how control of the names is proved; its names are those of each request. `root`: below
// which orders under way are kept (ROOT/orders/NAME.json), apart from those of certificate folders. Account and solvers
// are the toolbox's.
//
// The journal of a finished order stays until another request comes: who asks again with the same bytes, because it
// was cut off before the certificate was durable, is given the same certificate. It cannot be asked whether an identity
// is accepted: what it issued is.
std::unique_ptr<device::Issuer> make_acme_issuer(Toolbox& toolbox, CertificateSettings settings, std::string root);

}  // namespace lockstep::agent
