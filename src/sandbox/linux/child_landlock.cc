// The step of the child that gives up files by Landlock, beneath what mounts and the filter deny already. See
// child.h for what may be called here. The kernel's header is older than some of this.
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "sandbox/linux/child.h"

namespace hearth::sandbox {
namespace {

// Of versions of Landlock's interface (Documentation/userspace-api/landlock.rst).
constexpr long kWithRefer = 2, kWithTruncate = 3, kWithDeviceIoctl = 5, kWithScopes = 6, kWithLogFlags = 7;
constexpr std::uint64_t kRefer = 1ULL << 13U, kTruncate = 1ULL << 14U, kDeviceIoctl = 1ULL << 15U;
constexpr std::uint64_t kScopes = 3;  // abstract Unix sockets and signals of others
constexpr unsigned kLogNothingOfThisProgram = 1;

struct Ruleset {
  std::uint64_t files;
  std::uint64_t network;
  std::uint64_t scopes;
};

constexpr std::uint64_t kLook =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kDevices = LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK;
constexpr std::uint64_t kFirst = (1ULL << 13U) - 1;  // all of the first version

std::uint64_t known_to(long version) {
  return kFirst | (version >= kWithRefer ? kRefer : 0) | (version >= kWithTruncate ? kTruncate : 0) |
         (version >= kWithDeviceIoctl ? kDeviceIoctl : 0);
}

int allow_below(int ruleset, const char* path, std::uint64_t what) {
  const int folder = ::open(path, O_PATH | O_CLOEXEC);
  if (folder < 0) {
    return errno;
  }
  const landlock_path_beneath_attr rule{what, folder};
  const bool added = ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
  const int error = added ? 0 : errno;
  ::close(folder);
  return error;
}

int allow_all(int ruleset, std::uint64_t known) {
  if (const int error = allow_below(ruleset, "/", kLook); error != 0) {
    return error;
  }
  if (const int error = allow_below(ruleset, "/tmp", known & ~kDevices); error != 0) {
    return error;
  }
  return allow_below(ruleset, "/dev",
                     known & (kLook | LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate | kDeviceIoctl));
}

}  // namespace

int restrict_files(ChildPlan&) {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) {
    return 0;  // a kernel without it
  }
  const std::uint64_t known = known_to(version);
  const bool scoped = version >= kWithScopes;
  const Ruleset handled{known, 0, scoped ? kScopes : 0};
  const std::size_t size = scoped ? sizeof handled : sizeof handled.files;
  const long ruleset = ::syscall(SYS_landlock_create_ruleset, &handled, size, 0);
  if (ruleset < 0) {
    return errno;
  }
  int error = allow_all(static_cast<int>(ruleset), known);
  const unsigned flags = version >= kWithLogFlags ? kLogNothingOfThisProgram : 0;
  if (error == 0 && ::syscall(SYS_landlock_restrict_self, ruleset, flags) != 0) {
    error = errno;
  }
  ::close(static_cast<int>(ruleset));
  return error;
}

}  // namespace hearth::sandbox
