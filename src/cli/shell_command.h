// One line for /bin/sh, run to its end in bounded time. One thread; the process's signal mask is not the
// command's.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace hearth::cli {

struct ShellCommand {
  std::string line;
  std::vector<std::pair<std::string, std::string>> environment;  // beside this process's
  std::chrono::milliseconds timeout{60'000};
};

struct ShellResult {
  int exit_code = 0;  // 128 and the signal's number when one ended it
  bool timed_out = false;
  bool started = true;

  bool worked() const { return started && !timed_out && exit_code == 0; }
  bool operator==(const ShellResult&) const = default;
};

// Its standard streams are this process's. What is left of its process group at the time-out is told to end,
// and killed two seconds later; what it has put into a group or session of its own goes on.
ShellResult run_shell(const ShellCommand& command);

}  // namespace hearth::cli
