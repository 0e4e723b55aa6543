#include "http/peer_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>

#include "http/tcp_gap.h"

namespace hearth::http {

void PeerSocket::close() {
  tls_.reset();
  socket_.reset();
}

void PeerSocket::push_held() {
  const int on = 1;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool PeerSocket::peer_is_there() const {
  char byte = 0;
  const ssize_t got = ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

bool PeerSocket::all_arrived() const {
  tcp_info info{};
  socklen_t size = sizeof info;
  const bool known = ::getsockopt(socket_.get(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0;
  int error = 0;
  size = sizeof error;
  const bool whole = ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
  // The states behind the acknowledgement of our end; a reset leads to the last of them too.
  return known && whole && !has_had_gaps(socket_.get()) &&
         (info.tcpi_state == TCP_FIN_WAIT2 || info.tcpi_state == TCP_TIME_WAIT ||
          info.tcpi_state == TCP_CLOSE);
}

}  // namespace hearth::http
