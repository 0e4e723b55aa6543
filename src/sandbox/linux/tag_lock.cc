#include "sandbox/linux/tag_lock.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace hearth::sandbox {
namespace {

constexpr int kRetryMs = 10;

// The holder removes the file before it lets go: a lock on a file without a name keeps nobody out.
bool still_named(int file, const std::string& path) {
  struct stat mine {};
  struct stat named {};
  return ::fstat(file, &mine) == 0 && ::stat(path.c_str(), &named) == 0 && mine.st_ino == named.st_ino &&
         mine.st_dev == named.st_dev;
}

}  // namespace

base::Result<TagLock> TagLock::take(const std::string& run_folder, const std::string& tag, int timeout_ms) {
  if (::mkdir(run_folder.c_str(), 0755) != 0 && errno != EEXIST) {
    return base::io_error("make " + run_folder, errno);
  }
  const std::string path = run_folder + "/" + tag + ".lock";
  for (int waited_ms = 0; waited_ms <= timeout_ms; waited_ms += kRetryMs) {
    base::UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.valid()) {
      return base::io_error("open " + path, errno);
    }
    if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) {
      if (still_named(file.get(), path)) {
        return TagLock(std::move(file), path);
      }
    } else if (errno != EWOULDBLOCK && errno != EINTR) {
      return base::io_error("lock " + path, errno);
    }
    ::poll(nullptr, 0, kRetryMs);
  }
  return base::Error{
      base::ErrorCode::kBusy,
      "the launcher of an earlier server on this data directory still runs (" + path + " is locked)"};
}

TagLock::~TagLock() {
  if (file_.valid()) {
    ::unlink(path_.c_str());
  }
}

}  // namespace hearth::sandbox
