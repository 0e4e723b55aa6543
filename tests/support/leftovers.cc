#include "tests/support/leftovers.h"

#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

namespace fs = std::filesystem;

// Where `hearth serve` takes its instances' users from (--uid-base and 10,000 on).
constexpr unsigned kUidBase = 200'000;
constexpr unsigned kUidCount = 10'000;

void add_cgroups(std::set<std::string>& state) {
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
        if (sandbox->is_directory(error)) {
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

void add_processes(std::set<std::string>& state) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string pid = entry.path().filename();
    struct stat info {};
    if (std::isdigit(static_cast<unsigned char>(pid[0])) == 0 || ::stat(entry.path().c_str(), &info) != 0) {
      continue;
    }
    std::string name;
    std::getline(std::ifstream(entry.path() / "comm"), name);
    const bool instance = info.st_uid >= kUidBase && info.st_uid < kUidBase + kUidCount;
    if (instance || name == "hearth-launcher") {
      state.insert("process " + pid + " " + name);
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

std::set<std::string> host_state() {
  std::set<std::string> state;
  add_cgroups(state);
  add_mounts(state);
  add_processes(state);
  add_lines_of(state, "namespace", {"ip", "netns", "list"});
  add_lines_of(state, "interface", {"sh", "-c", "ip -o link | cut -d: -f2"});
  add_lines_of(state, "firewall", {"nft", "list", "tables"});
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
