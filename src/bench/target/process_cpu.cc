#include "bench/target/process_cpu.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace hearth::bench {
namespace {

namespace fs = std::filesystem;

fs::path proc(pid_t pid) { return fs::path("/proc") / std::to_string(pid); }

std::string program_of(pid_t pid) {
  std::error_code failed;
  return fs::read_symlink(proc(pid) / "exe", failed).string();
}

// The fields of /proc/PID/stat from the third on: state, parent, …; empty when the process is gone.
std::vector<std::string> stat_fields(pid_t pid) {
  std::ifstream file(proc(pid) / "stat");
  std::string text;
  std::getline(file, text);
  const std::size_t name_end = text.rfind(')');  // a name may hold spaces and brackets
  if (name_end == std::string::npos) {
    return {};
  }
  std::istringstream words(text.substr(name_end + 1));
  return {std::istream_iterator<std::string>(words), {}};
}

std::uint64_t number(const std::vector<std::string>& fields, std::size_t index) {
  return index < fields.size() ? std::strtoull(fields[index].c_str(), nullptr, 10) : 0;
}

constexpr std::size_t kParent = 1;
constexpr std::size_t kUserTicks = 11;
constexpr std::size_t kSystemTicks = 12;

// Where the kernel keeps no schedstat.
std::uint64_t ticks_ns(pid_t pid) {
  const auto fields = stat_fields(pid);
  const auto a_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return (number(fields, kUserTicks) + number(fields, kSystemTicks)) * (1'000'000'000ULL / a_second);
}

}  // namespace

std::vector<pid_t> server_processes(pid_t pid) {
  std::vector<pid_t> found = {pid};
  const std::string program = program_of(pid);
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator("/proc", failed)) {
    const auto child = static_cast<pid_t>(std::strtol(entry.path().filename().c_str(), nullptr, 10));
    if (child > 0 && number(stat_fields(child), kParent) == static_cast<std::uint64_t>(pid) &&
        !program.empty() && program_of(child) == program) {
      found.push_back(child);
    }
  }
  return found;
}

std::uint64_t cpu_ns(const std::vector<pid_t>& processes) {
  std::uint64_t sum = 0;
  for (const pid_t pid : processes) {
    std::uint64_t of_process = 0;
    std::error_code failed;
    for (const auto& thread : fs::directory_iterator(proc(pid) / "task", failed)) {
      std::ifstream file(thread.path() / "schedstat");
      std::uint64_t on_cpu = 0;
      if (file >> on_cpu) {
        of_process += on_cpu;
      }
    }
    sum += of_process == 0 ? ticks_ns(pid) : of_process;
  }
  return sum;
}

}  // namespace hearth::bench
