// A library for LD_PRELOAD: counts how often the processes that it is loaded into lock a mutex or a
// read-write lock, in the first eight bytes of the file that HEARTH_LOCK_COUNT names. The locks of the C
// library itself (in malloc, say) are not seen: they are not called through these functions.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>

namespace {

std::atomic<std::uint64_t>* map_counter() {
  const char* path = std::getenv("HEARTH_LOCK_COUNT");
  const int fd = path == nullptr ? -1 : ::open(path, O_RDWR | O_CLOEXEC);
  if (fd == -1) {
    return nullptr;
  }
  void* mapped = ::mmap(nullptr, sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  return mapped == MAP_FAILED ? nullptr : static_cast<std::atomic<std::uint64_t>*>(mapped);
}

void count() {
  static std::atomic<std::uint64_t>* const counter = map_counter();
  if (counter != nullptr) {
    counter->fetch_add(1);
  }
}

template <typename Lock>
int call_real(const char* name, Lock* lock) {
  using Function = int (*)(Lock*);
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name))(lock);
}

}  // namespace

extern "C" {

int pthread_mutex_lock(pthread_mutex_t* mutex) {
  count();
  return call_real("pthread_mutex_lock", mutex);
}
int pthread_mutex_trylock(pthread_mutex_t* mutex) {
  count();
  return call_real("pthread_mutex_trylock", mutex);
}
int pthread_rwlock_rdlock(pthread_rwlock_t* lock) {
  count();
  return call_real("pthread_rwlock_rdlock", lock);
}
int pthread_rwlock_wrlock(pthread_rwlock_t* lock) {
  count();
  return call_real("pthread_rwlock_wrlock", lock);
}
}
