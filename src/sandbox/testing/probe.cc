// The program that the sandbox tests run inside: one attempt a call, named by its first argument; the
// result in plain lines on stdout, or in the exit status. Statically linked, so that it needs nothing
// of the root. Uses nothing of Hearth but the inside of a zygote, which it is when it is told so.
#include "sandbox/testing/probe.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "sandbox/linux/zygote_inside.h"

namespace hearth::sandbox::probe {
namespace {

constexpr int kRequestsFd = 3;
constexpr int kAnswersFd = 4;

[[noreturn]] void hang() {
  for (;;) {
    ::pause();
  }
}

// argv, then the environment, one a line.
int report(const Arguments& arguments) {
  for (const auto& argument : arguments) {
    std::printf("argv %s\n", argument.c_str());
  }
  for (char** each = environ; *each != nullptr; ++each) {
    std::printf("env %s\n", *each);
  }
  std::fprintf(stderr, "to err\n");
  return 0;
}

// Sends back what the requests bring, in upper case, until its end.
int echo(const Arguments&) {
  char buffer[256];
  for (ssize_t n = 0; (n = ::read(kRequestsFd, buffer, sizeof buffer)) > 0;) {
    for (ssize_t i = 0; i < n; ++i) {
      buffer[i] = static_cast<char>(std::toupper(buffer[i]));
    }
    if (::write(kAnswersFd, buffer, static_cast<std::size_t>(n)) != n) {
      return 1;
    }
  }
  return 0;
}

// Returns in what it forks, with the command line that the requests bring: a zero ends each word, and a
// line's end all. Outside of a zygote's life there is none.
bool serve_as_zygote(Arguments& arguments) {
  if (serve_forks({[] {}, [] {}, [] {}}) != 0) {
    return false;
  }
  arguments.resize(1);
  std::string word;
  for (char c = 0; ::read(kRequestsFd, &c, 1) == 1 && c != '\n';) {
    if (c != 0) {
      word += c;
    } else {
      arguments.push_back(std::exchange(word, ""));
    }
  }
  return true;
}

int exit_with(const Arguments& arguments) { return number(arguments, 2); }

int trap(const Arguments&) { __builtin_trap(); }

// Whether the C library knows this thread's number.
int clock_itself(const Arguments&) {
  clockid_t clock = 0;
  timespec time{};
  return ::pthread_getcpuclockid(::pthread_self(), &clock) == 0 && ::clock_gettime(clock, &time) == 0 ? 0 : 1;
}

int hang_forever(const Arguments&) {
  std::printf("ready\n");
  std::fflush(stdout);
  hang();
}

// A grandchild in a session of its own, which outlives its parent and holds the pipe on stdout.
int daemonize(const Arguments& arguments) {
  const bool leave = number(arguments, 2) == 1;
  int said[2];  // the daemon says here that it has spoken
  if (::pipe(said) != 0) {
    return 1;
  }
  if (::fork() == 0) {
    ::setsid();
    if (::fork() == 0) {
      ::signal(SIGTERM, SIG_IGN);
      ::signal(SIGHUP, SIG_IGN);
      std::printf("ready\n");
      std::fflush(stdout);
      const char yes = 1;
      if (::write(said[1], &yes, 1) != 1) {
        return 1;
      }
      hang();
    }
    ::_exit(0);
  }
  ::wait(nullptr);
  char byte = 0;
  if (::read(said[0], &byte, 1) != 1) {
    return 1;
  }
  if (leave) {
    return 0;
  }
  hang();
}

int cat(const Arguments& arguments) {
  const int fd = ::open(arguments.at(2).c_str(), O_RDONLY);
  if (fd < 0) {
    std::printf("errno %d\n", errno);
    return 0;
  }
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(fd, buffer, sizeof buffer)) > 0;) {
    std::fwrite(buffer, 1, static_cast<std::size_t>(n), stdout);
  }
  return 0;
}

int list(const Arguments& arguments) {
  DIR* folder = ::opendir(arguments.at(2).c_str());
  if (folder == nullptr) {
    std::printf("errno %d\n", errno);
    return 0;
  }
  for (const dirent* entry = nullptr; (entry = ::readdir(folder)) != nullptr;) {
    if (entry->d_name[0] != '.') {
      std::printf("%s\n", entry->d_name);
    }
  }
  ::closedir(folder);
  return 0;
}

// "when-told": the rest of the words, once a request has come.
bool await_request(Arguments& arguments) {
  std::printf("ready\n");
  std::fflush(stdout);
  char byte = 0;
  arguments.erase(arguments.begin() + 1);
  return ::read(kRequestsFd, &byte, 1) == 1;
}

}  // namespace

bool when_told(Arguments& arguments) {
  return arguments.size() < 3 || arguments[1] != "when-told" || await_request(arguments);
}

int number(const Arguments& arguments, std::size_t index) {
  return index < arguments.size() ? std::atoi(arguments[index].c_str()) : 0;
}

void print_errno(const std::string& what, long result) {
  std::printf("%s %d\n", what.c_str(), result < 0 ? errno : 0);
}

}  // namespace hearth::sandbox::probe

int main(int count, char** values) {
  using namespace hearth::sandbox::probe;
  Commands commands = {{"report", report},      {"echo", echo},         {"exit", exit_with},   {"trap", trap},
                       {"clock", clock_itself}, {"hang", hang_forever}, {"daemon", daemonize}, {"cat", cat},
                       {"list", list}};
  add_attempts(commands);
  add_resources(commands);
  add_floods(commands);
  add_system_calls(commands);
  Arguments arguments(values, values + count);
  if (count > 1 && arguments[1] == "zygote" && !serve_as_zygote(arguments)) {
    return 66;
  }
  if (!when_told(arguments)) {
    return 65;
  }
  const auto found = arguments.size() > 1 ? commands.find(arguments.at(1)) : commands.end();
  return found == commands.end() ? 64 : found->second(arguments);
}
