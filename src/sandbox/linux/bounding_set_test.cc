// The bounding set of a launcher, in a process of its own: it can only shrink.
#include "sandbox/linux/bounding_set.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hearth::sandbox {
namespace {

TEST(BoundingSet, KeepsWhatTheLaunchersProgramsNeed) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "only root has capabilities to give up";
  }
  const pid_t child = ::fork();
  if (child == 0) {
    narrow_bounding_set();
    int unexpected = 0;
    for (unsigned long capability = 0;; ++capability) {
      const int held = ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
      if (held < 0) {
        break;
      }
      unexpected += (held != 0) != (capability == CAP_NET_ADMIN) ? 1 : 0;
    }
    ::_exit(unexpected);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace hearth::sandbox
