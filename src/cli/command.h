// What a command is, and what it is handed when it runs.
//
// main passes its own commands (`serve`) to run() beside the ones here; each file x_command.cc makes
// one. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>

#include "cli/api.h"

namespace CLI {
class App;
}

namespace hearth::cli {

struct Terminal {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool in_is_terminal = false;
  bool in_is_data = false;  // a pipe or a file: what `invoke` reads as its input
  bool out_is_terminal = false;
  bool err_is_terminal = false;
};

struct Context {
  Api& api;
  Terminal& terminal;
  const CLI::App& app;                                  // all commands, for completions
  std::string endpoint;                                 // for messages, and connections of a command's own
  std::string api_key;                                  // of that server; empty: none
  bool json = false;                                    // print the API's JSON instead of tables
  std::function<std::int64_t()> now_ms;                 // Unix time
  std::function<bool(std::chrono::milliseconds)> wait;  // false: stop
};

struct Command {
  std::string name;
  std::string summary;
  std::string details;  // behind the options in --help: notes, examples
  std::function<void(CLI::App&)> add_options;
  std::function<int(Context&)> run;                  // returns the exit code
  std::chrono::milliseconds answer_timeout{60'000};  // --timeout unless it is given
  bool speaks_to_server = true;                      // false: takes none of the global options
};

Command deploy_command();
Command invoke_command();
Command list_command();
Command show_command();
Command logs_command();
Command executions_command();
Command execution_command();
Command cancel_command();
Command redrive_command();
Command versions_command();
Command rollback_command();
Command alias_command();
Command async_command();
Command limits_command();
Command schedule_command();
Command delete_command();
Command status_command();
Command workers_command();
Command capacity_command();
Command scaler_command();
Command version_command();
Command completion_command();

}  // namespace hearth::cli
