#include "http/tcp_gap.h"

#include <linux/tcp.h>  // not beside netinet/tcp.h, which has an older tcp_info
#include <netinet/in.h>
#include <sys/socket.h>

namespace hearth::http {

bool has_had_gaps(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  return ::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_rcv_ooopack > 0;
}

}  // namespace hearth::http
