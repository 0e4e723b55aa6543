#include "tests/support/leftovers.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kUidCount = 10'000;  // from --uid-base on

bool has(const HostScope& scope, unsigned long uid) {
  return uid >= scope.uid_base && uid < scope.uid_base + kUidCount;
}

void add_cgroups(std::set<std::string>& state, const HostScope& scope) {
  std::error_code error;
  for (const auto& hierarchy : fs::directory_iterator("/sys/fs/cgroup", error)) {
    const fs::path ours =
        hierarchy.path().filename() == "hearth" ? hierarchy.path() : hierarchy.path() / "hearth";
    if (hierarchy.is_symlink() || !fs::is_directory(ours, error)) {
      continue;
    }
    // <parent>/<tag>/<sandbox>: the first two stay, being one per data directory.
    for (const auto& server : fs::directory_iterator(ours, error)) {
      for (fs::directory_iterator sandbox(server.path(), error), end; !error && sandbox != end;
           sandbox.increment(error)) {
        const std::string name = sandbox->path().filename();  // its user
        if (sandbox->is_directory(error) &&
            (scope.alone || has(scope, std::strtoul(name.c_str(), nullptr, 10)))) {
          state.insert("cgroup " + sandbox->path().string());
        }
      }
    }
  }
}

void add_lines_of(std::set<std::string>& state, const std::string& kind,
                  const std::vector<std::string>& command) {
  const std::string output = run_program(command).output;
  std::size_t begin = 0;
  while (begin < output.size()) {
    const std::size_t end = std::min(output.find('\n', begin), output.size());
    state.insert(kind + " " + output.substr(begin, end - begin));
    begin = end + 1;
  }
}

void add_processes(std::set<std::string>& state, const HostScope& scope) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string pid = entry.path().filename();
    struct stat info {};
    if (std::isdigit(static_cast<unsigned char>(pid[0])) == 0 || ::stat(entry.path().c_str(), &info) != 0) {
      continue;
    }
    std::string name;
    std::getline(std::ifstream(entry.path() / "comm"), name);
    if (has(scope, info.st_uid) || (scope.alone && name == "hearth-launcher")) {
      state.insert(fmt::format("process {} {}", pid, name));
    }
  }
}

void add_mounts(std::set<std::string>& state) {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    state.insert("mount " + line);
  }
}

}  // namespace

std::set<std::string> host_state(const HostScope& scope) {
  std::set<std::string> state;
  add_cgroups(state, scope);
  add_processes(state, scope);
  if (scope.alone) {
    add_mounts(state);
    add_lines_of(state, "namespace", {"ip", "netns", "list"});
  }
  if (scope.own_network) {
    add_lines_of(state, "interface", {"sh", "-c", "ip -o link | cut -d: -f2"});
    add_lines_of(state, "firewall", {"nft", "list", "tables"});
  }
  return state;
}

std::string leftovers(const std::set<std::string>& before, const std::set<std::string>& after) {
  std::string lines;
  for (const auto& line : after) {
    if (before.count(line) == 0) {
      lines += line + "\n";
    }
  }
  return lines;
}

}  // namespace hearth::test
