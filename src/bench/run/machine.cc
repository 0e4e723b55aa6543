#include "bench/run/machine.h"

#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <thread>

namespace hearth::bench {
namespace {

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) {
      const std::size_t colon = line.find(": ");
      return colon == std::string::npos ? "" : line.substr(colon + 2);
    }
  }
  return "";
}

std::string cgroup_kind() {
  std::error_code failed;
  if (std::filesystem::exists("/sys/fs/cgroup/cgroup.controllers", failed)) {
    return "v2";
  }
  return std::filesystem::exists("/sys/fs/cgroup/unified", failed) ? "v1/v2 hybrid" : "v1";
}

std::string node_version() {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen("node --version 2>/dev/null", "re"), &::pclose);
  std::array<char, 64> line{};
  if (pipe == nullptr || std::fgets(line.data(), line.size(), pipe.get()) == nullptr) {
    return "";
  }
  const std::string text(line.data());
  return text.substr(0, text.find('\n'));
}

}  // namespace

Machine this_machine() {
  Machine machine;
  machine.cpu = cpu_name();
  machine.cores = std::thread::hardware_concurrency();
  struct sysinfo info {};
  if (::sysinfo(&info) == 0) {
    machine.memory_mb = static_cast<std::uint64_t>(info.totalram) * info.mem_unit >> 20U;
  }
  utsname system{};
  machine.kernel = ::uname(&system) == 0 ? system.release : "";
  machine.cgroups = cgroup_kind();
  machine.node = node_version();
  double load = 0;
  machine.load_at_start = ::getloadavg(&load, 1) == 1 ? load : 0;
  return machine;
}

std::string time_text(std::int64_t unix_ms) {
  const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), size};
}

std::string command_text(const std::string& arguments) {
  std::string text;
  bool secret = false;
  for (std::size_t at = 0; at < arguments.size();) {
    const bool program = at == 0;
    std::string word(arguments.c_str() + at);
    at += word.size() + 1;
    if (program) {
      word.erase(0, word.rfind('/') + 1);
    } else if (secret) {
      word = "…";
    } else if (word.starts_with("--api-key=")) {
      word = "--api-key=…";
    }
    secret = word == "--api-key";
    const bool quoted = word.find_first_of(" \"'*$") != std::string::npos;
    text += (text.empty() ? "" : " ") + (quoted ? "'" + word + "'" : word);
  }
  return text;
}

std::string command_text() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  return command_text(std::string{std::istreambuf_iterator<char>(file), {}});
}

}  // namespace hearth::bench
