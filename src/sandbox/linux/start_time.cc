// Measures what a sandbox costs: start to end of a static program that exits at once, beside
// `bwrap --unshare-all` in the same run, alternating, so that both see the same machine. Run as root.
//   hearth_sandbox_start_time [ROUNDS] [none|nat]
// With nat the sandboxes are connected, in whatever network namespace it runs.
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "sandbox/linux/linux_backend.h"
#include "sandbox/linux/private_mounts.h"

extern char** environ;

namespace {

using hearth::base::UniqueFd;
using hearth::sandbox::Descriptors;
using hearth::sandbox::LinuxBackend;
using hearth::sandbox::Spec;
using Clock = std::chrono::steady_clock;

constexpr const char* kNode = "/usr/bin/node";

struct Times {
  std::vector<double> start_us, whole_us;
};

double since(Clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

double percentile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1))];
}

void print(const char* what, const std::vector<double>& values) {
  std::printf("%-42s p50 %7.0f us  p95 %7.0f us\n", what, percentile(values, 0.5), percentile(values, 0.95));
}

bool run_ours(LinuxBackend& backend, int round, Times& times) {
  std::array<int, 2> requests{};
  if (::pipe2(requests.data(), O_CLOEXEC) != 0) {
    return false;
  }
  const UniqueFd ours(requests[1]);
  Descriptors descriptors{UniqueFd(::open("/usr/share", O_PATH | O_DIRECTORY | O_CLOEXEC)),
                          UniqueFd(requests[0]), UniqueFd(::open("/dev/null", O_WRONLY | O_CLOEXEC)),
                          UniqueFd(::open("/dev/null", O_WRONLY | O_CLOEXEC)),
                          UniqueFd(::open("/dev/null", O_WRONLY | O_CLOEXEC))};
  Spec spec;
  spec.name = "start-" + std::to_string(round);
  spec.program = HEARTH_SANDBOX_PROBE;
  spec.arguments = {"exit", "0"};
  const auto begin = Clock::now();
  if (auto started = backend.start(spec, std::move(descriptors)); !started) {
    std::fprintf(stderr, "%s\n", started.error().message.c_str());
    return false;
  }
  times.start_us.push_back(since(begin));
  while (backend.collect().empty()) {
    pollfd ready{backend.ready_fd(), POLLIN, 0};
    ::poll(&ready, 1, 1000);
  }
  times.whole_us.push_back(since(begin));
  return true;
}

bool run_bwrap(std::vector<double>& whole_us) {
  const std::array<const char*, 8> words = {"bwrap", "--unshare-all",      "--ro-bind", "/",
                                            "/",     HEARTH_SANDBOX_PROBE, "exit",      "0"};
  std::vector<char*> arguments;
  for (const auto* word : words) {
    arguments.push_back(const_cast<char*>(word));
  }
  arguments.push_back(nullptr);
  const auto begin = Clock::now();
  pid_t pid = -1;
  if (::posix_spawnp(&pid, "bwrap", nullptr, nullptr, arguments.data(), environ) != 0) {
    return false;
  }
  ::waitpid(pid, nullptr, 0);
  whole_us.push_back(since(begin));
  return true;
}

}  // namespace

int main(int count, char** values) {
  const int rounds = count > 1 ? std::atoi(values[1]) : 200;
  hearth::sandbox::LinuxOptions options;
  options.tag = "start-time-" + std::to_string(::getpid());
  options.cgroup_parent = "hearth-start-time";
  options.programs = {HEARTH_SANDBOX_PROBE};
  if (::access(kNode, X_OK) == 0) {
    options.programs.emplace_back(kNode);  // the mounts that a real server's root has
  }
  if (count > 2 && std::string(values[2]) == "nat") {
    options.network = hearth::sandbox::NetworkMode::kNat;
    options.nat.resolvers = {"1.1.1.1"};
  }
  if (auto entered = hearth::sandbox::enter_private_mounts(); !entered) {
    std::fprintf(stderr, "%s\n", entered.error().message.c_str());
    return 1;
  }
  auto backend = LinuxBackend::create(options);
  if (!backend) {
    std::fprintf(stderr, "%s\n", backend.error().message.c_str());
    return 1;
  }
  Times times;
  std::vector<double> bwrap_us;
  bool have_bwrap = true;
  for (int round = 0; round < rounds; ++round) {
    if (!run_ours(**backend, round, times)) {
      return 1;
    }
    have_bwrap = have_bwrap && run_bwrap(bwrap_us);
  }
  print("hearth, start() until exec", times.start_us);
  print("hearth, until nothing is left", times.whole_us);
  print("bwrap --unshare-all, until its end", bwrap_us);
}
