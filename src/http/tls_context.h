// The TLS side of a server: what it shows, and what it asks of clients. Only implementations include this header; it
// brings Boost.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "http/server.h"

namespace lockstep::http {

// TLS 1.2 or later, no resumption (a resumed session would show no client certificate), a client certificate asked for
// and not required. Errors: parse_error, untrusted for a key that is not the certificate's.
Result<std::shared_ptr<boost::asio::ssl::context>> make_tls_context(const TlsIdentity& identity);

}  // namespace lockstep::http
