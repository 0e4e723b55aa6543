// Measures what a sandbox costs: start to end of a static program that exits at once, beside
// `bwrap --unshare-all` in the same run, in turn, so that all see the same machine. Run as root.
//   hearth_sandbox_start_time [ROUNDS] [none|nat]
// "prepared": the launcher has had time to prepare the start, as it has but for bursts; that work is a row of
// its own. With nat the sandboxes are connected, in whatever network namespace it runs.
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

#include "sandbox/linux/bounding_set.h"
#include "sandbox/linux/linux_backend.h"
#include "sandbox/linux/private_mounts.h"

extern char** environ;

namespace {

using hearth::base::UniqueFd;
using hearth::sandbox::Backend;
using hearth::sandbox::Descriptors;
using hearth::sandbox::LinuxBackend;
using hearth::sandbox::LinuxOptions;
using hearth::sandbox::Spec;
using Clock = std::chrono::steady_clock;

constexpr const char* kNode = "/usr/bin/node";
constexpr const char* kBwrap = "/usr/bin/bwrap";
constexpr uid_t kUidsApart = 20'000;  // of the two backends

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

struct Times {
  std::vector<double> start_us, whole_us;
};

bool run_ours(Backend& backend, int round, Times& times) {
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

void prepare(Backend& backend, std::vector<double>& piece_us) {
  for (bool more = true; more;) {
    const auto begin = Clock::now();
    more = backend.prepare();
    piece_us.push_back(since(begin));
  }
}

// Runs bwrap by request, in a process that is forked before this one has mounts of its own: what bwrap has to
// copy is the host's mounts and no others.
class Bwrap {
 public:
  Bwrap() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      return;
    }
    UniqueFd theirs(ends[1]);
    socket_.reset(ends[0]);
    process_ = ::fork();
    if (process_ == 0) {
      socket_.reset();
      serve(theirs.get());
    }
  }
  Bwrap(const Bwrap&) = delete;
  Bwrap& operator=(const Bwrap&) = delete;
  ~Bwrap() {
    socket_.reset();
    ::waitpid(process_, nullptr, 0);
  }

  // False when it cannot be run.
  bool run(std::vector<double>& whole_us) const {
    double taken_us = 0;
    constexpr auto kSize = static_cast<ssize_t>(sizeof taken_us);
    if (::write(socket_.get(), "1", 1) != 1 || ::read(socket_.get(), &taken_us, kSize) != kSize ||
        taken_us < 0) {
      return false;
    }
    whole_us.push_back(taken_us);
    return true;
  }

 private:
  [[noreturn]] static void serve(int socket) {
    bool answered = true;
    for (char asked = 0; answered && ::read(socket, &asked, 1) == 1;) {
      const double taken_us = run_once();
      answered = ::write(socket, &taken_us, sizeof taken_us) == static_cast<ssize_t>(sizeof taken_us);
    }
    ::_exit(0);
  }

  static double run_once() {
    const std::array<const char*, 8> words = {kBwrap, "--unshare-all",      "--ro-bind", "/",
                                              "/",    HEARTH_SANDBOX_PROBE, "exit",      "0"};
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (const auto* word : words) {
      arguments.push_back(const_cast<char*>(word));
    }
    arguments.push_back(nullptr);
    const auto begin = Clock::now();
    pid_t pid = -1;
    int status = -1;
    if (::posix_spawn(&pid, kBwrap, nullptr, nullptr, arguments.data(), environ) == 0) {
      ::waitpid(pid, &status, 0);
    }
    return status == 0 ? since(begin) : -1;
  }

  pid_t process_ = -1;
  UniqueFd socket_;
};

LinuxOptions options_for(const char* network) {
  LinuxOptions options;
  options.tag = "start-time-" + std::to_string(::getpid());
  options.cgroup_parent = "hearth-start-time";
  options.programs = {HEARTH_SANDBOX_PROBE};
  if (::access(kNode, X_OK) == 0) {
    options.programs.emplace_back(kNode);  // the mounts that a real server's root has
  }
  if (std::string(network) == "nat") {
    options.network = hearth::sandbox::NetworkMode::kNat;
    options.nat.resolvers = {"1.1.1.1"};
  }
  return options;
}

// As the launcher makes it.
hearth::base::Result<std::unique_ptr<LinuxBackend>> make_backend(const LinuxOptions& options) {
  hearth::sandbox::narrow_bounding_set(/*for_zygotes=*/true);
  return LinuxBackend::create(options);
}

struct Sides {
  Times prepared, unprepared;
  std::vector<double> piece_us, bwrap_us;
};

void print(const Sides& sides) {
  print("hearth, start() until exec", sides.prepared.start_us);
  print("hearth, until nothing is left", sides.prepared.whole_us);
  print("hearth unprepared, start() until exec", sides.unprepared.start_us);
  print("hearth unprepared, until nothing is left", sides.unprepared.whole_us);
  print("hearth, preparing one", sides.piece_us);
  if (sides.bwrap_us.empty()) {
    std::printf("%s cannot be run here\n", kBwrap);
    return;
  }
  print("bwrap --unshare-all, until its end", sides.bwrap_us);
  const double reference = percentile(sides.bwrap_us, 0.5);
  std::printf("hearth / bwrap, p50 until the end: %.2f, unprepared %.2f\n",
              percentile(sides.prepared.whole_us, 0.5) / reference,
              percentile(sides.unprepared.whole_us, 0.5) / reference);
}

}  // namespace

int main(int count, char** values) {
  const int rounds = count > 1 ? std::atoi(values[1]) : 200;
  auto options = options_for(count > 2 ? values[2] : "none");
  const Bwrap bwrap;
  if (auto entered = hearth::sandbox::enter_private_mounts(); !entered) {
    std::fprintf(stderr, "%s\n", entered.error().message.c_str());
    return 1;
  }
  auto prepared = make_backend(options);
  options.tag += "-unprepared";
  options.uid_base += kUidsApart;
  options.nat.range = "10.214.0.0/16";
  auto unprepared = make_backend(options);
  if (!prepared || !unprepared) {
    std::fprintf(stderr, "%s\n", (prepared ? unprepared : prepared).error().message.c_str());
    return 1;
  }
  Sides sides;
  bool have_bwrap = true;
  for (int round = 0; round < rounds; ++round) {
    prepare(**prepared, sides.piece_us);
    if (!run_ours(**prepared, round, sides.prepared)) {
      return 1;
    }
    have_bwrap = have_bwrap && bwrap.run(sides.bwrap_us);
    if (!run_ours(**unprepared, round, sides.unprepared)) {
      return 1;
    }
  }
  print(sides);
}
