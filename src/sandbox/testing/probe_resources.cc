// Commands that take as much of something as they can get.
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "sandbox/testing/probe.h"

namespace hearth::sandbox::probe {
namespace {

constexpr int kRequestsFd = 3;
constexpr std::size_t kMiB = 1U << 20U;

[[noreturn]] void hang() {
  for (;;) {
    ::pause();
  }
}

void eat(std::size_t bytes) {
  for (std::size_t eaten = 0; eaten < bytes; eaten += kMiB) {
    auto* memory = static_cast<char*>(std::malloc(kMiB));
    std::memset(memory, 0x5A, kMiB);
    asm volatile("" : : "r"(memory) : "memory");
  }
}

int eat_memory(const Arguments& arguments) {
  eat(static_cast<std::size_t>(number(arguments, 2)) * kMiB);
  std::printf("eaten\n");
  std::fflush(stdout);
  hang();
}

// The same in a child, while this process lives on: nothing of the tree may survive.
int eat_in_child(const Arguments& arguments) {
  if (::fork() == 0) {
    eat(static_cast<std::size_t>(number(arguments, 2)) * kMiB);
  }
  hang();
}

int fill_tmp(const Arguments&) {
  static char block[kMiB];
  const int fd = ::open("/tmp/fill", O_WRONLY | O_CREAT, 0600);
  long written = 0;
  for (ssize_t n = 0; (n = ::write(fd, block, sizeof block)) > 0;) {
    written += n;
  }
  std::printf("bytes %ld errno %d\n", written, errno);
  ::unlink("/tmp/fill");
  ::close(fd);
  int files = 0;
  for (; files < 1'000'000; ++files) {
    const int each = ::open(("/tmp/f" + std::to_string(files)).c_str(), O_WRONLY | O_CREAT, 0600);
    if (each < 0) {
      break;
    }
    ::close(each);
  }
  std::printf("files %d errno %d\n", files, errno);
  return 0;
}

int open_many(const Arguments&) {
  int count = 0;
  while (::open("/dev/null", O_RDONLY) >= 0) {
    ++count;
  }
  std::printf("opened %d errno %d\n", count, errno);
  return 0;
}

// Forks until it is refused, says how often, and goes on forever in every child.
int fork_bomb(const Arguments&) {
  int forked = 0;
  for (;;) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      for (;;) {
        ::fork();
      }
    }
    if (pid < 0) {
      break;
    }
    ++forked;
  }
  std::printf("forked %d errno %d\n", forked, errno);
  std::fflush(stdout);
  for (;;) {
    ::fork();
  }
}

// spin MILLISECONDS CPU: waits for a byte of the requests, then counts the CPU time it gets.
int spin(const Arguments& arguments) {
  if (const int cpu = number(arguments, 3); cpu >= 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(cpu), &set);
    ::sched_setaffinity(0, sizeof set, &set);
  }
  char go = 0;
  if (::read(kRequestsFd, &go, 1) != 1) {
    return 1;
  }
  const auto used = [] {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec * 1'000'000L + time.tv_nsec / 1000;
  };
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(number(arguments, 2));
  const long before = used();
  while (std::chrono::steady_clock::now() < end) {
  }
  std::printf("used %ld\n", used() - before);
  return 0;
}

}  // namespace

void add_resources(Commands& commands) {
  commands["eat"] = eat_memory;
  commands["eat-in-child"] = eat_in_child;
  commands["fill-tmp"] = fill_tmp;
  commands["open-many"] = open_many;
  commands["fork-bomb"] = fork_bomb;
  commands["spin"] = spin;
}

}  // namespace hearth::sandbox::probe
