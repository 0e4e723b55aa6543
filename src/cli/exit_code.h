// How the command line ends: a closed list that scripts rely on. `hearth --help` shows the same list.
#pragma once

namespace hearth::cli {

enum ExitCode : int {
  kOk = 0,
  kFunctionFailed = 1,  // the call reached the function, and the function failed
  kUsage = 2,           // the command line, or what it names on this machine, is wrong
  kNotFound = 3,        // the server knows no such function, version, alias, schedule or execution
  kUnreachable = 4,     // no connection, no answer in time, or an execution that has not ended
  kRefused = 5,         // the server answered with any other error
};

}  // namespace hearth::cli
