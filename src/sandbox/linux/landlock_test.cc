// The Landlock step by itself, as what it denies is denied in a sandbox by mounts and the filter already:
// root takes it in a process of its own.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <string>

#include "sandbox/linux/child.h"

namespace hearth::sandbox {
namespace {

// What `attempt` fails with once the step is taken; 0: nothing.
int restricted(const std::function<bool()>& attempt) {
  const pid_t child = ::fork();
  if (child == 0) {
    ChildPlan plan;
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || restrict_files(plan) != 0) {
      ::_exit(255);
    }
    errno = 0;
    ::_exit(attempt() ? 0 : errno);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool creates(const char* path) {
  const int fd = ::open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  return fd >= 0 && ::write(fd, "x", 1) == 1 && ::unlink(path) == 0;
}

class Landlock : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) {
      GTEST_SKIP() << "root's attempts are denied by nothing else";
    }
    if (::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) < 1) {
      GTEST_SKIP() << "this kernel has no Landlock";
    }
  }
};

TEST_F(Landlock, TmpAloneCanBeChanged) {
  const std::string name = "hearth-landlock-" + std::to_string(::getpid());
  const std::string inside = "/tmp/" + name;
  const std::string outside = "/" + name;
  EXPECT_TRUE(creates(outside.c_str())) << "the control";
  EXPECT_EQ(restricted([&] { return creates(outside.c_str()); }), EACCES);
  EXPECT_EQ(restricted([&] { return creates(inside.c_str()); }), 0);
  EXPECT_EQ(restricted([&] { return ::mkdir(outside.c_str(), 0700) == 0; }), EACCES);
  EXPECT_EQ(restricted([&] { return ::symlink("x", outside.c_str()) == 0; }), EACCES);
}

TEST_F(Landlock, FilesOfTmpCanBeMovedBetweenItsFolders) {
  const std::string folder = "/tmp/hearth-landlock-" + std::to_string(::getpid());
  EXPECT_EQ(restricted([&] {
              return ::mkdir(folder.c_str(), 0700) == 0 && ::mkdir((folder + "/a").c_str(), 0700) == 0 &&
                     ::symlink("x", (folder + "/l").c_str()) == 0 &&
                     ::rename((folder + "/l").c_str(), (folder + "/a/l").c_str()) == 0 &&
                     ::unlink((folder + "/a/l").c_str()) == 0 && ::rmdir((folder + "/a").c_str()) == 0 &&
                     ::rmdir(folder.c_str()) == 0;
            }),
            0);
}

TEST_F(Landlock, DevicesCanBeUsedAndNotMade) {
  const std::string path = "/tmp/hearth-landlock-device-" + std::to_string(::getpid());
  EXPECT_EQ(restricted([&] { return ::mknod(path.c_str(), S_IFCHR | 0600, makedev(1, 3)) == 0; }), EACCES);
  EXPECT_EQ(restricted([] {
              const int null = ::open("/dev/null", O_RDWR | O_TRUNC);
              return null >= 0 && ::write(null, "x", 1) == 1;
            }),
            0);
}

TEST_F(Landlock, EverythingCanBeReadAndExecuted) {
  EXPECT_EQ(
      restricted([] { return ::open("/proc/self/status", O_RDONLY) >= 0 && ::open("/etc", O_RDONLY) >= 0; }),
      0);
  EXPECT_EQ(restricted([] { return ::execl(HEARTH_SANDBOX_PROBE, "probe", "exit", "0", nullptr) == 0; }), 0);
}

}  // namespace
}  // namespace hearth::sandbox
