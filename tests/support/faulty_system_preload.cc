// The library behind faulty_system.h: stands between a server and the C library.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "tests/support/faulty_system.h"

namespace {

using hearth::test::SystemFaults;

constexpr std::int64_t kMsPerSecond = 1'000;
constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::int64_t kNsPerSecond = 1'000'000'000;

SystemFaults* map_faults() {
  const char* const path = std::getenv("HEARTH_FAULTY_SYSTEM");
  const int fd = path == nullptr ? -1 : ::open(path, O_RDWR | O_CLOEXEC);
  if (fd == -1) {
    return nullptr;
  }
  void* const mapped = ::mmap(nullptr, sizeof(SystemFaults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  return mapped == MAP_FAILED ? nullptr : static_cast<SystemFaults*>(mapped);
}

// While the server is root: later it may not open the file.
SystemFaults* const g_faults = map_faults();

template <typename Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

int sync_with(const char* name, int fd) {
  if (g_faults != nullptr) {
    ++g_faults->syncs;
    ::usleep(static_cast<useconds_t>(g_faults->sync_takes_ms * kMsPerSecond));
    if (g_faults->sync_fails) {
      errno = EIO;
      return -1;
    }
  }
  return real<int (*)(int)>(name)(fd);
}

template <typename Offset>
ssize_t write_with(const char* name, int fd, const void* bytes, size_t count, Offset at) {
  if (g_faults != nullptr && g_faults->write_fails) {
    errno = EIO;
    return -1;
  }
  return real<ssize_t (*)(int, const void*, size_t, Offset)>(name)(fd, bytes, count, at);
}

}  // namespace

extern "C" {

int fsync(int fd) { return sync_with("fsync", fd); }
int fdatasync(int fd) { return sync_with("fdatasync", fd); }
ssize_t pwrite(int fd, const void* bytes, size_t count, off_t at) {
  return write_with("pwrite", fd, bytes, count, at);
}
ssize_t pwrite64(int fd, const void* bytes, size_t count, off64_t at) {
  return write_with("pwrite64", fd, bytes, count, at);
}

int clock_gettime(clockid_t clock, struct timespec* now) noexcept {
  static const auto kReal = real<int (*)(clockid_t, struct timespec*)>("clock_gettime");
  const int result = kReal(clock, now);
  if (result == 0 && clock == CLOCK_REALTIME && g_faults != nullptr) {
    const std::int64_t ahead = g_faults->clock_ahead_ms;
    std::int64_t ns = now->tv_nsec + ahead % kMsPerSecond * kNsPerMs;
    now->tv_sec += ahead / kMsPerSecond + (ns < 0 ? -1 : ns / kNsPerSecond);
    now->tv_nsec = ns < 0 ? ns + kNsPerSecond : ns % kNsPerSecond;
  }
  return result;
}
}
