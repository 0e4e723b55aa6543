#include "sandbox/linux/living_mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstdlib>

namespace hearth::sandbox {
namespace {

// In the sandbox's namespace, as long as this lives.
class [[nodiscard]] Visit {
 public:
  Visit(int process, int own) : own_(own), there_(::setns(process, CLONE_NEWNS) == 0) {}
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  ~Visit() {
    if (there_ && ::setns(own_, CLONE_NEWNS) != 0) {
      std::abort();
    }
  }

  bool there() const { return there_; }

 private:
  const int own_;
  const bool there_;
};

// The name of the first step that failed, with errno; null when none did.
const char* make(const LateMounts& mounts) {
  if (::move_mount(mounts.code, "", AT_FDCWD, kCodePath, MOVE_MOUNT_F_EMPTY_PATH) != 0) {
    return "mount code";
  }
  constexpr unsigned long kFlags = MS_REMOUNT | MS_NOSUID | MS_NODEV;
  if (::mount(nullptr, "/tmp", nullptr, kFlags, mounts.tmp_size.c_str()) != 0) {
    return "resize tmp";
  }
  return nullptr;
}

}  // namespace

std::string tmp_size(const Limits& limits) {
  return "size=" + std::to_string(limits.tmp_bytes) + ",nr_inodes=" + std::to_string(limits.tmp_files);
}

base::Result<std::unique_ptr<LivingMounts>> LivingMounts::open() {
  base::UniqueFd own(::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  if (!own.valid() || ::unshare(CLONE_FS) != 0) {
    return base::io_error("cannot hold on to the launcher's mount namespace", errno);
  }
  return std::unique_ptr<LivingMounts>(new LivingMounts(std::move(own)));
}

base::Result<void> LivingMounts::mount(int process, const LateMounts& mounts) const {
  const char* failed = "enter";
  int error = 0;
  {
    const Visit visit(process, own_.get());
    failed = visit.there() ? make(mounts) : failed;
    error = errno;
  }
  if (failed != nullptr) {
    return base::io_error(std::string("cannot assign the sandbox at step \"") + failed + "\"", error);
  }
  return {};
}

}  // namespace hearth::sandbox
