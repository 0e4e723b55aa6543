// The languages that a worker's host can run: their programs, and what else of the host an instance sees of
// them.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "sandbox/linux/options.h"
#include "worker/runtime_program.h"

namespace hearth {

struct HostRuntimes {
  worker::RuntimePrograms inside;     // programs have the same paths inside and outside
  std::vector<std::string> programs;  // that are there
  std::vector<sandbox::VisiblePath> paths;
  std::vector<sandbox::Extensions> extensions;
  bool python_zygote = false;  // its module is there
};

// Node.js 18 or newer: `node`, or the first in PATH when empty. Python 3.11 or newer: `python`, or else
// Debian's /usr/bin/python3, or the first in PATH; a host may have none, if none was named. Each is run, to
// ask what it is. An error says what to do.
base::Result<HostRuntimes> find_runtimes(const std::string& node, const std::string& python);

}  // namespace hearth
