#include "apps/hearth/host_runtimes.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <sstream>

namespace hearth {
namespace {

using base::Error;
using base::ErrorCode;
namespace fs = std::filesystem;

constexpr int kOldestNode = 18;
constexpr int kOldestPython = 311;
constexpr const char* kDebianPython = "/usr/bin/python3";
constexpr const char* kShimsInside = "/opt/hearth";
constexpr const char* kNodeShim = "shim.js";
constexpr const char* kPythonShim = "shim.py";
constexpr const char* kPythonZygote = "python-zygote";
constexpr const char* kZygoteModule = "hearth_zygote.abi3.so";

// Its version as major * 100 + minor, where it really is, its library, and its library's shared objects. A
// line each.
constexpr const char* kAskPython = R"(import os, sys
print(sys.version_info[0] * 100 + sys.version_info[1] if sys.implementation.name == "cpython" else 0)
print(os.path.realpath(sys.executable))
print(os.path.dirname(os.__file__))
print(next((path for path in sys.path if path.endswith("/lib-dynload")), "")))";

fs::path in_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    fs::path candidate = fs::path(folder) / program;
    if (!folder.empty() && ::access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
  }
  return {};
}

// What `program arguments` prints. Neither holds a quote.
std::string output_of(const std::string& program, const std::vector<std::string>& arguments) {
  std::string command = "'" + program + "'";
  for (const std::string& argument : arguments) {
    command += " '" + argument + "'";
  }
  command += " 2>/dev/null";
  const std::unique_ptr<FILE, int (*)(FILE*)> output(::popen(command.c_str(), "re"), ::pclose);
  std::string text;
  std::array<char, 1'024> buffer{};
  while (output && std::fgets(buffer.data(), static_cast<int>(buffer.size()), output.get()) != nullptr) {
    text += buffer.data();
  }
  return text;
}

// The major version that `node --version` prints, or 0.
int node_major(const std::string& node) {
  const std::string printed = output_of(node, {"--version"});
  return printed.starts_with('v') ? std::atoi(printed.c_str() + 1) : 0;
}

// `found` is `wanted`, or what was found where nothing was.
base::Result<std::string> canonical_program(const std::string& flag, const std::string& wanted,
                                            const fs::path& found, const std::string& advice) {
  std::error_code error;
  const fs::path program = fs::canonical(found, error);
  if (found.empty() || error) {
    return Error{ErrorCode::kNotFound,
                 wanted.empty() ? advice : fmt::format("{} {}: there is no such program", flag, wanted)};
  }
  if (program.string().find('\'') != std::string::npos) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("{}: the path holds a quote", program.string())};
  }
  return program.string();
}

base::Result<std::string> find_node(const std::string& wanted) {
  auto node = canonical_program("--node", wanted, wanted.empty() ? in_path("node") : fs::path(wanted),
                                "there is no node in PATH: install Node.js 18 or newer, or give --node PATH");
  if (!node) {
    return node;
  }
  const int major = node_major(*node);
  if (major < kOldestNode) {
    return Error{
        ErrorCode::kUnsupported,
        fmt::format("{} is {}: Hearth needs Node.js {} or newer (--node PATH)", *node,
                    major == 0 ? "no working Node.js" : fmt::format("Node.js {}", major), kOldestNode)};
  }
  return node;
}

struct Python {
  std::string program;
  std::string library;
  std::string extensions;  // may be empty
};

base::Result<Python> find_python(const std::string& wanted) {
  const fs::path by_default =
      ::access(kDebianPython, X_OK) == 0 ? fs::path(kDebianPython) : in_path("python3");
  auto named = canonical_program("--python", wanted, wanted.empty() ? by_default : fs::path(wanted),
                                 "there is no python3: install Python 3.11 or newer, or give --python PATH");
  if (!named) {
    return named.error();
  }
  // As it was named: the launcher of a virtual environment, or of a version manager, knows by its own path
  // which one.
  const std::string asked = fs::absolute(wanted.empty() ? by_default : fs::path(wanted)).string();
  std::istringstream answer(
      output_of(asked.find('\'') == std::string::npos ? asked : *named, {"-I", "-S", "-c", kAskPython}));
  std::string version;
  Python python;
  std::getline(answer, version);
  std::getline(answer, python.program);
  std::getline(answer, python.library);
  std::getline(answer, python.extensions);
  const int number = std::atoi(version.c_str());
  if (number < kOldestPython || python.library.empty()) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("{} is {}: Hearth needs Python 3.11 or newer (--python PATH)", *named,
                             number == 0 ? "no working CPython"
                                         : fmt::format("Python {}.{}", number / 100, number % 100))};
  }
  return python;
}

// The folder of a runtime's shim: beside the binary's build tree or where a package puts it.
base::Result<std::string> find_shims(const std::string& runtime, const std::string& shim) {
  std::error_code error;
  const fs::path binary = fs::read_symlink("/proc/self/exe", error);
  const std::array candidates = {binary.parent_path() / "../share/hearth/runtimes" / runtime,
                                 fs::path(HEARTH_SOURCE_RUNTIMES) / runtime};
  for (const fs::path& folder : candidates) {
    if (fs::exists(folder / shim, error)) {
      return fs::canonical(folder).string();
    }
  }
  return Error{ErrorCode::kNotFound,
               fmt::format("the {} runtime's {} is neither in {} nor in {}: the installation is incomplete",
                           runtime, shim, candidates[0].lexically_normal().string(), candidates[1].string())};
}

// The folder of the module that makes a zygote of a Python; empty: an installation without it.
std::string find_python_zygote() {
  std::error_code error;
  const fs::path binary = fs::read_symlink("/proc/self/exe", error);
  for (const fs::path& folder : {binary.parent_path() / "../share/hearth/runtimes" / kPythonZygote,
                                 fs::path(HEARTH_BUILT_RUNTIMES) / kPythonZygote}) {
    if (fs::exists(folder / kZygoteModule, error)) {
      return fs::canonical(folder).string();
    }
  }
  return "";
}

base::Result<void> add_node(const std::string& wanted, HostRuntimes& made) {
  auto node = find_node(wanted);
  if (!node) {
    return node.error();
  }
  auto shims = find_shims("node", kNodeShim);
  if (!shims) {
    return shims.error();
  }
  made.programs.push_back(*node);
  made.inside.node.node = std::move(*node);
  made.paths.push_back({std::move(*shims), fmt::format("{}/node", kShimsInside)});
  made.inside.node.shim = fmt::format("{}/{}", made.paths.back().inside, kNodeShim);
  return {};
}

base::Result<void> add_python(const std::string& wanted, HostRuntimes& made) {
  auto python = find_python(wanted);
  if (!python) {
    return python.error();
  }
  auto shims = find_shims("python", kPythonShim);
  if (!shims) {
    return shims.error();
  }
  made.programs.push_back(python->program);
  made.paths.push_back({python->library, python->library});
  made.paths.push_back({std::move(*shims), fmt::format("{}/python", kShimsInside)});
  made.inside.python.shim = fmt::format("{}/{}", made.paths.back().inside, kPythonShim);
  if (auto module = find_python_zygote(); !module.empty()) {
    made.paths.push_back({std::move(module), fmt::format("{}/{}", kShimsInside, kPythonZygote)});
    made.python_zygote = true;
  }
  if (!python->extensions.empty()) {
    made.extensions.push_back({python->program, python->extensions});
  }
  made.inside.python.python = std::move(python->program);
  return {};
}

}  // namespace

base::Result<HostRuntimes> find_runtimes(const std::string& node, const std::string& python) {
  HostRuntimes made;
  if (auto added = add_node(node, made); !added) {
    return added.error();
  }
  if (auto added = add_python(python, made); !added) {
    if (!python.empty()) {
      return added.error();
    }
    made.inside.python.reason = added.error().message;
  }
  return made;
}

}  // namespace hearth
