// The command line's entry: global options, choosing the command, --help.
//
// main calls run() with the commands that are its own (`serve`, which wires the server) and returns
// what it returns. run_with() is the same with everything outside handed in, for tests.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/http_api.h"

namespace hearth::cli {

struct Environment {
  Terminal terminal;
  std::function<std::unique_ptr<Api>(const Connection&)> connect;
  std::function<std::optional<std::string>(const char*)> variable;  // of the process's environment
  std::function<std::int64_t()> now_ms;
  std::function<bool(std::chrono::milliseconds)> wait;
};

int run(int argc, const char* const* argv, std::vector<Command> local_commands = {});

// `arguments`: without the program's name.
int run_with(Environment& environment, std::vector<std::string> arguments,
             std::vector<Command> local_commands = {});

}  // namespace hearth::cli
