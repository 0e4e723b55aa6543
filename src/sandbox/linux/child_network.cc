// Steps of the child: the network namespace's own interfaces. See child.h for what may be called here.
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "sandbox/linux/child.h"

namespace hearth::sandbox {

int raise_loopback(ChildPlan&) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return errno;
  }
  ifreq request{};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const int error = ::ioctl(fd, SIOCSIFFLAGS, &request) == 0 ? 0 : errno;
  ::close(fd);
  return error;
}

int join_network(ChildPlan& plan) {
  if (!plan.joins_network) {
    return 0;
  }
  ::close(plan.network_ready_writer);  // our copy: the read ends when the launcher does
  char ready = 0;
  const auto got = ::read(plan.network_ready, &ready, 1);
  if (got != 1) {
    return got < 0 ? errno : EPIPE;
  }
  return join_wire(plan.wire);
}

}  // namespace hearth::sandbox
