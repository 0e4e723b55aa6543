// Commands that take so much of something and say what they have got: "WHAT COUNT errno ERRNO", 0 where
// nothing stopped them. They can be run outside too, where nothing does.
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <vector>

#include "sandbox/testing/probe.h"

namespace hearth::sandbox::probe {
namespace {

constexpr std::size_t kMiB = 1U << 20U;

int say(const char* what, long count, int error) {
  std::printf("%s %ld errno %d\n", what, count, error);
  return 0;
}

// forks COUNT: of children that wait; they go with this process's end.
int forks(const Arguments& arguments) {
  std::vector<pid_t> children;
  int error = 0;
  while (static_cast<int>(children.size()) < number(arguments, 2)) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::pause();
      ::_exit(0);
    }
    if (child < 0) {
      error = errno;
      break;
    }
    children.push_back(child);
  }
  say("forks", static_cast<long>(children.size()), error);
  for (const pid_t child : children) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  return 0;
}

void* wait_forever(void*) {
  for (;;) {
    ::pause();
  }
}

// threads COUNT
int threads(const Arguments& arguments) {
  pthread_attr_t small;
  ::pthread_attr_init(&small);
  ::pthread_attr_setstacksize(&small, 64U << 10U);
  for (int made = 0; made < number(arguments, 2); ++made) {
    pthread_t thread{};
    if (const int error = ::pthread_create(&thread, &small, wait_forever, nullptr); error != 0) {
      return say("threads", made, error);
    }
  }
  return say("threads", number(arguments, 2), 0);
}

// zombies COUNT: children that have ended and that nobody has waited for.
int zombies(const Arguments& arguments) {
  for (int made = 0; made < number(arguments, 2); ++made) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::_exit(0);
    }
    if (child < 0) {
      return say("zombies", made, errno);
    }
  }
  return say("zombies", number(arguments, 2), 0);
}

// open COUNT: descriptors, after asking for as many.
int open_files(const Arguments& arguments) {
  const auto count = static_cast<rlim_t>(number(arguments, 2));
  const rlimit more{count + 64, count + 64};  // beside those that it has
  ::setrlimit(RLIMIT_NOFILE, &more);
  for (rlim_t opened = 0; opened < count; ++opened) {
    if (::open("/dev/null", O_RDONLY) < 0) {
      return say("open", static_cast<long>(opened), errno);
    }
  }
  return say("open", static_cast<long>(count), 0);
}

// fill FOLDER MIB FILES: one file of so much, then so many empty ones; all are removed again.
int fill(const Arguments& arguments) {
  static char block[kMiB];
  const std::string folder = arguments.at(2) + "/hearth-fill";
  const std::string large = folder + ".large";
  const int fd = ::open(large.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  long mib = 0;
  int error = fd < 0 ? errno : 0;
  for (; fd >= 0 && mib < number(arguments, 3); ++mib) {
    if (::write(fd, block, sizeof block) != static_cast<ssize_t>(sizeof block)) {
      error = errno == 0 ? ENOSPC : errno;  // a part of it was written
      break;
    }
  }
  say("mib", mib, error);
  ::close(fd);
  ::unlink(large.c_str());
  long files = 0;
  error = 0;
  for (; files < number(arguments, 4); ++files) {
    const int each = ::open((folder + std::to_string(files)).c_str(), O_WRONLY | O_CREAT, 0600);
    if (each < 0) {
      error = errno;
      break;
    }
    ::close(each);
  }
  say("files", files, error);
  for (long i = 0; i < files; ++i) {
    ::unlink((folder + std::to_string(i)).c_str());
  }
  return 0;
}

// ---- a mebibyte of memory, by ways that are not the heap alone, which this process keeps

bool touch(void* memory) {
  if (memory == nullptr || memory == MAP_FAILED) {  // which is shmat's failure too
    return false;
  }
  std::memset(memory, 0x5A, kMiB);
  asm volatile("" : : "r"(memory) : "memory");
  return true;
}

bool from_memfd() {
  const int fd = static_cast<int>(::memfd_create("hearth-take", 0));
  if (fd < 0 || ::ftruncate(fd, kMiB) != 0) {
    return false;
  }
  void* const memory = ::mmap(nullptr, kMiB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  return touch(memory);
}

bool from_shm() {
  const int id = ::shmget(IPC_PRIVATE, kMiB, IPC_CREAT | 0600);
  if (id < 0) {
    return false;
  }
  void* const memory = ::shmat(id, nullptr, 0);
  ::shmctl(id, IPC_RMID, nullptr);  // it goes with who has it
  return touch(memory);
}

bool from_lock() {
  return touch(
      ::mmap(nullptr, kMiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
}

bool from_heap() {
  return touch(::mmap(nullptr, kMiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

// Of what nobody reads.
bool from_pipes() {
  static char block[64U << 10U];
  for (int i = 0; i < 16; ++i) {
    int ends[2];
    if (::pipe2(ends, O_NONBLOCK) != 0 || ::write(ends[1], block, sizeof block) != sizeof block) {
      return false;
    }
  }
  return true;
}

// take heap|memfd|shm|locked|pipes MIB
int take(const Arguments& arguments) {
  const std::string& kind = arguments.at(2);
  bool (*const way)() = kind == "memfd"    ? from_memfd
                        : kind == "shm"    ? from_shm
                        : kind == "locked" ? from_lock
                        : kind == "pipes"  ? from_pipes
                                           : from_heap;
  for (int taken = 0; taken < number(arguments, 3); ++taken) {
    errno = 0;
    if (!way()) {
      return say(kind.c_str(), taken, errno == 0 ? ENOMEM : errno);
    }
  }
  return say(kind.c_str(), number(arguments, 3), 0);
}

std::atomic<bool> spinning = true;

void* spin_on(void*) {
  while (spinning) {
  }
  return nullptr;
}

// spin-threads COUNT MILLISECONDS: the CPU time that they get, in milliseconds, asking for the best there is.
int spin_threads(const Arguments& arguments) {
  ::setpriority(PRIO_PROCESS, 0, -20);
  const sched_param real_time{1};
  ::sched_setscheduler(0, SCHED_RR, &real_time);
  for (int i = 0; i < number(arguments, 2); ++i) {
    pthread_t thread{};
    if (::pthread_create(&thread, nullptr, spin_on, nullptr) != 0) {
      break;
    }
  }
  timespec rest{number(arguments, 3) / 1'000, number(arguments, 3) % 1'000 * 1'000'000L};
  ::nanosleep(&rest, nullptr);
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  spinning = false;
  return say("spin", used.tv_sec * 1'000 + used.tv_nsec / 1'000'000, 0);
}

// The parent of a vfork stands still in the kernel until its child executes something or ends.
int vfork_hang(const Arguments&) {
  if (::vfork() == 0) {  // NOLINT(clang-analyzer-security.insecureAPI.vfork): what is tried
    for (;;) {
      ::pause();  // NOLINT(clang-analyzer-unix.Vfork)
    }
  }
  return 0;
}

}  // namespace

void add_floods(Commands& commands) {
  commands["forks"] = forks;
  commands["threads"] = threads;
  commands["zombies"] = zombies;
  commands["open"] = open_files;
  commands["fill"] = fill;
  commands["take"] = take;
  commands["spin-threads"] = spin_threads;
  commands["vfork-hang"] = vfork_hang;
}

}  // namespace hearth::sandbox::probe
