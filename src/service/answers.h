// How every answer of the interface looks: the envelope, and the headers that keep browsers from being used against us.
#pragma once

#include <string>
#include <string_view>

#include "http/server.h"
#include "service/edits.h"

namespace lockstep::service {

// {"success":true,"data":DATA}; `data` is JSON.
http::ServerResponse data_answer(int status, std::string_view data, const std::string& tag = {});
// {"success":false,"error":"…"}
http::ServerResponse error_answer(int status, std::string_view error);
// The same with {"field": "message"} as data, where there are fields.
http::ServerResponse refusal_answer(const Refusal& refusal);
// A document without the envelope.
http::ServerResponse document_answer(std::string body, std::string content_type = "application/json");

// To be added to every answer. Over TLS browsers are told to come to `host` by HTTPS alone from now on (RFC 6797); not
// to this machine itself, whose name stands for every other program on it as well.
void add_security_headers(http::ServerResponse& answer, bool tls, std::string_view host);

}  // namespace lockstep::service
