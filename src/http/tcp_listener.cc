#include "http/tcp_listener.h"

#include <unistd.h>

namespace lockstep::http {

using boost::asio::ip::tcp;

TcpListener::TcpListener(ListeningSocket socket, std::size_t places, Accepted accepted)
    : port_(socket.port()),
      protocol_(socket.ipv6() ? tcp::v6() : tcp::v4()),
      accepted_(std::move(accepted)),
      loop_(context_, std::move(socket), places,
            [this](int descriptor, Place place) { take(descriptor, std::move(place)); }) {}

Status TcpListener::start() {
  loop_.start();
  thread_ = TRY(ServerThread::start(context_));
  return {};
}

void TcpListener::take(int descriptor, Place place) {
  tcp::socket socket(context_);
  boost::system::error_code refused;
  socket.assign(protocol_, descriptor, refused);
  if (refused) {
    ::close(descriptor);
    return;
  }
  accepted_(std::move(socket), std::move(place));
}

}  // namespace lockstep::http
