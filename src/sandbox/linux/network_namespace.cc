#include "sandbox/linux/network_namespace.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace hearth::sandbox {
namespace {

base::UniqueFd own_namespace() {
  return base::UniqueFd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
}

// Takes the thread back to the namespace that it was in. A launcher that cannot go back must not go on: what
// it does to the host's network would be done elsewhere.
class WayBack {
 public:
  WayBack() : home_(own_namespace()) {}
  WayBack(const WayBack&) = delete;
  WayBack& operator=(const WayBack&) = delete;
  ~WayBack() {
    if (home_.valid() && ::setns(home_.get(), CLONE_NEWNET) != 0) {
      std::perror("cannot return to the host's network");
      std::abort();
    }
  }

  bool valid() const { return home_.valid(); }

 private:
  base::UniqueFd home_;
};

int raise_loopback() {
  const base::UniqueFd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return any.valid() && ::ioctl(any.get(), SIOCSIFFLAGS, &request) == 0 ? 0 : errno;
}

base::Error describe(int error_number) {
  auto error = base::io_error("cannot make a network namespace", error_number);
  if (error_number == ENOMEM || error_number == ENOSPC) {
    error.code = base::ErrorCode::kExhausted;
  }
  return error;
}

}  // namespace

base::Result<base::UniqueFd> make_network_namespace() {
  const WayBack way_back;
  if (!way_back.valid() || ::unshare(CLONE_NEWNET) != 0) {
    return describe(errno);
  }
  auto made = own_namespace();
  const int error = made.valid() ? raise_loopback() : errno;
  return error == 0 ? base::Result<base::UniqueFd>(std::move(made)) : describe(error);
}

int run_inside(int network_namespace, const std::function<int()>& work) {
  const WayBack way_back;
  if (!way_back.valid() || ::setns(network_namespace, CLONE_NEWNET) != 0) {
    return errno;
  }
  return work();
}

}  // namespace hearth::sandbox
