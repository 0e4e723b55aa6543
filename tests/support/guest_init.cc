// The first process of the test guest (pure_v2_guest): mounts what a Linux needs, cgroup v2 alone, runs
// the programs that /tests names, one command a line, and turns the machine off. Statically linked.
#include <fcntl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

void check(const char* what, long result) {
  if (result < 0) {
    std::printf("guest: %s: %s\n", what, std::strerror(errno));
  }
}

// The initial root file system can be neither moved nor pivoted away from; a bind of it can.
void leave_initial_root() {
  check("mkdir /new", ::mkdir("/new", 0755));
  check("bind /", ::mount("/", "/new", nullptr, MS_BIND, nullptr));
  check("chdir /new", ::chdir("/new"));
  check("move root", ::mount(".", "/", nullptr, MS_MOVE, nullptr));
  check("chroot", ::chroot("."));
  check("chdir /", ::chdir("/"));
}

void mount_on(const char* type, const char* path) {
  ::mkdir(path, 0755);
  check(path, ::mount(type, path, type, 0, nullptr));
}

void raise_loopback() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  check("loopback", ::ioctl(fd, SIOCSIFFLAGS, &request));
  ::close(fd);
}

int run(const std::vector<std::string>& words) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<char*> arguments;
    for (const auto& word : words) {
      arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    ::execv(arguments[0], arguments.data());
    std::printf("guest: cannot run %s: %s\n", arguments[0], std::strerror(errno));
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(-1, &status, 0) != child) {  // orphans come here, too
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  leave_initial_root();
  mount_on("proc", "/proc");
  mount_on("sysfs", "/sys");
  mount_on("devtmpfs", "/dev");
  mount_on("tmpfs", "/tmp");
  mount_on("tmpfs", "/run");
  mount_on("cgroup2", "/sys/fs/cgroup");
  raise_loopback();
  ::setenv("GTEST_COLOR", "no", 1);
  std::string controllers;
  std::getline(std::ifstream("/sys/fs/cgroup/cgroup.controllers") >> std::ws, controllers);
  std::printf("guest: cgroup v2 with %s\n", controllers.c_str());
  std::ifstream tests("/tests");
  for (std::string line; std::getline(tests, line);) {
    std::istringstream words(line);
    std::vector<std::string> command;
    for (std::string word; words >> word;) {
      command.push_back(word);
    }
    const int status = run(command);
    std::printf("guest: status %d of %s\n", status, command.front().c_str());
  }
  std::printf("guest: done\n");
  ::sync();
  ::reboot(RB_AUTOBOOT);  // QEMU is told to end where the guest would start again
}
