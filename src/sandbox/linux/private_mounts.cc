#include "sandbox/linux/private_mounts.h"

#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <fstream>
#include <string>

namespace hearth::sandbox {

base::Result<void> enter_private_mounts() {
  if (::unshare(CLONE_NEWNS) != 0) {
    return base::io_error("cannot enter a mount namespace of our own (root is needed)", errno);
  }
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    return base::io_error("cannot detach our mounts from the host's", errno);
  }
  return {};
}

bool mounts_are_private() {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(" / / ") != std::string::npos && line.find(" shared:") != std::string::npos) {
      return false;
    }
  }
  return true;
}

}  // namespace hearth::sandbox
