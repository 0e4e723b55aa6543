// The bounding set of a launcher, in a process of its own: it can only shrink.
#include "sandbox/linux/bounding_set.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

namespace hearth::sandbox {
namespace {

// How many capabilities are held beside `expected`, or missing of it, after that.
int deviations(bool for_zygotes, std::set<int> expected) {
  std::erase_if(expected, [](int capability) {  // a container's root may lack some
    return ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 0;
  });
  const pid_t child = ::fork();
  if (child == 0) {
    narrow_bounding_set(for_zygotes);
    int unexpected = 0;
    for (int capability = 0;; ++capability) {
      const int held = ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
      if (held < 0) {
        break;
      }
      unexpected += (held != 0) != expected.contains(capability) ? 1 : 0;
    }
    ::_exit(unexpected);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return status;
}

TEST(BoundingSet, KeepsWhatTheLaunchersProgramsNeed) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "only root has capabilities to give up";
  }
  EXPECT_EQ(deviations(false, {CAP_NET_ADMIN}), 0);
  EXPECT_EQ(deviations(true, {CAP_NET_ADMIN, CAP_SYS_ADMIN, CAP_SYS_CHROOT, CAP_DAC_READ_SEARCH, CAP_SETGID,
                              CAP_SYS_RESOURCE, CAP_SETUID, CAP_SETPCAP}),
            0);
}

}  // namespace
}  // namespace hearth::sandbox
