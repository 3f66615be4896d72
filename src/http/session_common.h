// What the connections of a server share. Only implementations include this header; it brings Boost.
#pragma once

#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <map>
#include <optional>

#include "http/mailbox.h"
#include "http/server.h"
#include "http/tcp_listener.h"

namespace lockstep::http {

using PlainStream = boost::beast::tcp_stream;
using TlsStream = boost::asio::ssl::stream<boost::beast::tcp_stream>;
using BeastRequest = boost::beast::http::request<boost::beast::http::string_body>;

// What is common to all connections of a server; used in its thread only.
struct Service {
  AsyncHandler handler;
  ServerLimits limits;
  UnansweredObserver unanswered;  // may be empty
  const TcpListener* listener = nullptr;
  std::shared_ptr<Mailbox> mailbox;
  std::map<std::string, std::size_t> connections;        // by address, where that is limited
  std::map<const void*, std::function<void()>> streams;  // that are open, with what ends each
  std::size_t busy = 0;                                  // requests that came in whole and are not answered yet
  bool draining = false;
  std::function<void()> idle;  // called once, when nothing is busy any more
};

// The answer to what could not be read as a request; nothing when there is nobody to answer.
std::optional<ServerResponse> answer_to(const boost::system::error_code& why);
// The request as handlers see it, or the answer to one that they are not to see.
std::optional<ServerResponse> accept_request(const BeastRequest& request, const ServerLimits& limits,
                                             ServerRequest* accepted);
ServerResponse plain_answer(int status, std::string text);

}  // namespace lockstep::http
