#include "sandbox/linux/linux_backend.h"

#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "sandbox/linux/private_mounts.h"
#include "sandbox/linux/spawn.h"
#include "sandbox/linux/syscall_filter.h"
#include "sandbox/spec_check.h"

namespace hearth::sandbox {
namespace {

// Files of /proc that speak of the host rather than of the sandbox's own processes, or that have been
// ways out. The rest is read-only. A kernel may lack some.
constexpr std::array kProcMasks = {
    "proc/acpi",          "proc/asound",        "proc/bootconfig", "proc/buddyinfo",
    "proc/bus",           "proc/cmdline",       "proc/config.gz",  "proc/diskstats",
    "proc/driver",        "proc/dma",           "proc/fs",         "proc/interrupts",
    "proc/iomem",         "proc/ioports",       "proc/irq",        "proc/kallsyms",
    "proc/kcore",         "proc/key-users",     "proc/keys",       "proc/kmsg",
    "proc/latency_stats", "proc/locks",         "proc/mdstat",     "proc/modules",
    "proc/pagetypeinfo",  "proc/partitions",    "proc/pressure",   "proc/sched_debug",
    "proc/schedstat",     "proc/scsi",          "proc/slabinfo",   "proc/softirqs",
    "proc/swaps",         "proc/sysrq-trigger", "proc/timer_list", "proc/tty",
    "proc/vmallocinfo",   "proc/zoneinfo"};

// A file that only root may read needs no mask, and each mask costs every start 5 us.
std::vector<ProcMask> find_masks() {
  std::vector<ProcMask> masks;
  for (const auto* path : kProcMasks) {
    struct stat status {};
    if (::stat(("/" + std::string(path)).c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0) {
      masks.push_back({path, S_ISDIR(status.st_mode)});
    }
  }
  return masks;
}

base::Error invalid(const char* message) { return base::Error{base::ErrorCode::kInvalidArgument, message}; }

base::Result<void> check_options(const LinuxOptions& options) {
  if (!valid_name(options.tag) || !valid_name(options.cgroup_parent)) {
    return invalid("the sandbox tag and the cgroup parent must be 1 to 63 of a-z, 0-9 and '-'");
  }
  if (options.uid_base == 0 || options.uid_count == 0) {
    return invalid("the sandbox uids must not start at 0, and there must be at least one");
  }
  return {};
}

std::string tmp_options(const Limits& limits, uid_t uid) {
  const auto id = std::to_string(uid);
  return "mode=0700,uid=" + id + ",gid=" + id + "," + tmp_size(limits);
}

// Kept open until the child has its own copies.
struct HighDescriptors {
  base::UniqueFd requests, answers, out, err, code_mount;
};

base::Result<HighDescriptors> move_all_high(Descriptors given) {
  HighDescriptors high;
  for (auto [from, to] :
       {std::pair(&given.requests, &high.requests), std::pair(&given.answers, &high.answers),
        std::pair(&given.out, &high.out), std::pair(&given.err, &high.err)}) {
    auto moved = move_high(std::move(*from));
    if (!moved) {
      return moved.error();
    }
    *to = std::move(*moved);
  }
  if (given.code_folder.valid()) {
    auto mount = clone_code_mount(given.code_folder.get());
    if (!mount) {
      return mount.error();
    }
    high.code_mount = std::move(*mount);
  }
  return high;
}

}  // namespace

LinuxBackend::LinuxBackend(const LinuxOptions& options) : options_(options), masks_(find_masks()) {}

base::Result<std::unique_ptr<LinuxBackend>> LinuxBackend::create(const LinuxOptions& options) {
  if (auto checked = check_options(options); !checked) {
    return checked.error();
  }
  std::unique_ptr<LinuxBackend> backend(new LinuxBackend(options));
  if (auto prepared = backend->open(); !prepared) {
    return prepared.error();
  }
  return backend;
}

base::Result<void> LinuxBackend::open() {
  if (!mounts_are_private()) {
    return base::Error{base::ErrorCode::kInternal,
                       "enter_private_mounts() must come first: mounts made here would show up on the host"};
  }
  auto lock = TagLock::take(options_.run_folder, options_.tag);
  if (!lock) {
    return lock.error();
  }
  lock_ = std::move(*lock);
  auto layout = detect_cgroup_layout();
  if (!layout) {
    return layout.error();
  }
  auto cgroups = open_cgroup_tree(*layout, options_.cgroup_parent, options_.tag);
  if (!cgroups) {
    return cgroups.error();
  }
  cgroups_ = std::move(*cgroups);
  auto root = RootImage::compose(options_);
  if (!root) {
    return root.error();
  }
  root_ = std::move(*root);
  if (options_.network == NetworkMode::kNat) {
    auto network = NatNetwork::open(options_);
    if (!network) {
      return network.error();
    }
    network_ = std::move(*network);
  }
  auto done = open_starts();
  return done ? open_events() : done;
}

base::Result<void> LinuxBackend::open_starts() {
  auto filter = build_syscall_filter();
  if (!filter) {
    return filter.error();
  }
  filter_ = std::move(*filter);
  pool_.emplace(*cgroups_, network_.get(), options_.uid_base, options_.uid_count);
  auto start_watch = StartWatch::create(options_.start_timeout_ms);
  if (!start_watch) {
    return start_watch.error();
  }
  start_watch_ = std::move(*start_watch);
  // After that thread has been made: this one parts with what threads share.
  auto living_mounts = LivingMounts::open();
  if (!living_mounts) {
    return living_mounts.error();
  }
  living_mounts_ = std::move(*living_mounts);
  auto launcher = move_high(base::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0))));
  if (!launcher) {
    return launcher.error();
  }
  launcher_ = std::move(*launcher);
  return {};
}

base::Result<void> LinuxBackend::open_events() {
  events_.reset(::epoll_create1(EPOLL_CLOEXEC));
  pace_timer_.reset(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN;
  if (!events_.valid() || ::epoll_ctl(events_.get(), EPOLL_CTL_ADD, pace_timer_.get(), &event) != 0) {
    return base::io_error("cannot make the sandboxes' epoll descriptor", errno);
  }
  for (const auto& program : options_.zygotes) {
    auto zygote = Zygote::create(program, {root_->mounts(), launcher_.get(), start_watch_.get(),
                                           options_.start_timeout_ms, events_.get()});
    if (!zygote) {
      return zygote.error();
    }
    zygotes_.push_back(std::move(*zygote));
  }
  return {};
}

LinuxBackend::~LinuxBackend() {
  for (auto& [name, sandbox] : sandboxes_) {
    kill(*sandbox);
  }
  WaitStatus status;
  for (auto& [name, sandbox] : sandboxes_) {
    if (!sandbox->ended) {
      reap(sandbox->process.get(), true, status);
    }
  }
}

base::Result<void> LinuxBackend::start(const Spec& spec, Descriptors descriptors) {
  if (auto checked = check(spec, descriptors); !checked) {
    return checked;
  }
  if (sandboxes_.contains(spec.name)) {
    return base::Error{base::ErrorCode::kAlreadyExists, "a sandbox named " + spec.name + " lives"};
  }
  auto prepared = pool_->take(spec.limits);
  if (!prepared) {
    return prepared.error();
  }
  auto sandbox = std::make_unique<Sandbox>();
  sandbox->name = spec.name;
  sandbox->uid = prepared->uid;
  sandbox->cgroup = std::move(prepared->cgroup);
  auto done = launch(*sandbox, spec, std::move(descriptors), prepared->network.get());
  if (done) {
    done = watch(*sandbox);
  }
  if (!done) {
    pool_->give_back(sandbox->uid, std::move(sandbox->cgroup));
    return done;
  }
  sandboxes_.emplace(spec.name, std::move(sandbox));
  return {};
}

base::Result<void> LinuxBackend::launch(Sandbox& sandbox, const Spec& spec, Descriptors descriptors,
                                        int network) {
  auto high = move_all_high(std::move(descriptors));
  if (!high) {
    return high.error();
  }
  const auto arguments = exec_list(spec.program, spec.arguments);
  const auto environment = exec_list(spec.environment);
  const auto tmp = tmp_options(spec.limits, sandbox.uid);
  ChildPlan plan;
  plan.task_files = sandbox.cgroup->task_files();
  plan.root = root_->mounts();
  plan.masks = masks_;
  plan.code_mount = high->code_mount.get();
  plan.tmp_options = tmp.c_str();
  plan.requests = high->requests.get();
  plan.answers = high->answers.get();
  plan.out = high->out.get();
  plan.err = high->err.get();
  plan.open_files = spec.limits.open_files;
  plan.uid = sandbox.uid;
  plan.filter = sock_fprog{static_cast<unsigned short>(filter_.size()), filter_.data()};
  plan.program = spec.program.c_str();
  plan.arguments = arguments.data();
  plan.environment = environment.data();
  plan.network = network;
  plan.launcher = launcher_.get();
  auto process = make_process(sandbox, spec, plan);
  if (!process) {
    return process.error();
  }
  sandbox.process = std::move(*process);
  sandbox.has_code = plan.code_mount >= 0;
  sandbox.cgroup->entered();
  return {};
}

// One that waits for its code boots by itself: nobody waits for it, and it shares nothing.
base::Result<base::UniqueFd> LinuxBackend::make_process(const Sandbox& sandbox, const Spec& spec,
                                                        ChildPlan& plan) {
  const int clone_target = sandbox.cgroup->clone_target();
  const auto zygote = std::ranges::find_if(zygotes_, [&](const auto& each) { return each->fits(spec); });
  if (zygote != zygotes_.end() && plan.code_mount >= 0) {
    auto forked = (*zygote)->fork(plan, clone_target);
    if (!forked) {
      sandbox.cgroup->kill();
      return forked.error();
    }
    if (*forked) {
      return std::move(**forked);
    }
  }
  return spawn(plan, clone_target, *start_watch_);
}

base::Result<void> LinuxBackend::watch(Sandbox& sandbox) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &sandbox;
  const int oom_event = sandbox.cgroup->oom_event();
  if (::epoll_ctl(events_.get(), EPOLL_CTL_ADD, sandbox.process.get(), &event) == 0 &&
      (oom_event < 0 || ::epoll_ctl(events_.get(), EPOLL_CTL_ADD, oom_event, &event) == 0)) {
    return {};
  }
  const auto error = base::io_error("cannot watch the sandbox's process", errno);
  WaitStatus ignored;
  kill(sandbox);
  reap(sandbox.process.get(), true, ignored);
  return error;
}

std::vector<Exit> LinuxBackend::collect() {
  std::array<epoll_event, 64> events{};
  const int count = ::epoll_wait(events_.get(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    if (events[static_cast<std::size_t>(i)].data.ptr != nullptr) {
      examine(*static_cast<Sandbox*>(events[static_cast<std::size_t>(i)].data.ptr));
    }
  }
  for (const auto& zygote : zygotes_) {
    zygote->tend();
  }
  auto exits = reap_ended();
  pace();
  return exits;
}

void LinuxBackend::examine(Sandbox& sandbox) {
  if (sandbox.ended) {
    return;
  }
  std::uint64_t times = 0;
  const int oom_event = sandbox.cgroup->oom_event();
  if (oom_event >= 0 && ::read(oom_event, &times, sizeof times) == static_cast<ssize_t>(sizeof times) &&
      !sandbox.removal_asked) {
    // Cgroup v1 kills one process of the group and lets the others go on.
    sandbox.out_of_memory = true;
    kill(sandbox);
  }
  WaitStatus status;
  if (reap(sandbox.process.get(), false, status)) {
    record_end(sandbox, status.code, status.status);
  }
}

void LinuxBackend::record_end(Sandbox& sandbox, int code, int status) {
  if (!sandbox.removal_asked && sandbox.cgroup->out_of_memory()) {
    sandbox.out_of_memory = true;
  }
  sandbox.exit.name = sandbox.name;
  sandbox.exit.code = status;
  sandbox.exit.peak_memory_bytes = sandbox.cgroup->peak_memory_bytes();
  if (sandbox.out_of_memory) {
    sandbox.exit.reason = ExitReason::kOutOfMemory;
  } else if (sandbox.removal_asked) {
    sandbox.exit.reason = ExitReason::kRemoved;
  } else {
    sandbox.exit.reason = code == CLD_EXITED ? ExitReason::kExited : ExitReason::kSignaled;
  }
  sandbox.ended = true;
  sandbox.process.reset();  // leaves the epoll set with it, as this was its only descriptor
}

std::vector<Exit> LinuxBackend::reap_ended() {
  std::vector<Exit> exits;
  for (auto it = sandboxes_.begin(); it != sandboxes_.end();) {
    auto& sandbox = *it->second;
    if (!sandbox.ended || !sandbox.cgroup->remove()) {
      ++it;
      continue;
    }
    pool_->give_back(sandbox.uid, std::move(sandbox.cgroup));
    exits.push_back(std::move(sandbox.exit));
    it = sandboxes_.erase(it);
  }
  return exits;
}

bool LinuxBackend::prepare() {
  for (const auto& zygote : zygotes_) {
    zygote->prepare();
  }
  return pool_->prepare();
}

// Keeps ready_fd() becoming readable while an ended sandbox's cgroup is still busy.
void LinuxBackend::pace() {
  bool busy = false;
  for (const auto& [name, sandbox] : sandboxes_) {
    busy = busy || sandbox->ended;
  }
  if (busy == paced_ && !busy) {
    return;
  }
  itimerspec period{};
  if (busy) {
    period.it_value.tv_nsec = period.it_interval.tv_nsec = kCollectPeriodMs * 1'000'000L;
  }
  ::timerfd_settime(pace_timer_.get(), 0, &period, nullptr);
  paced_ = busy;
}

base::Result<std::uint32_t> LinuxBackend::sweep() {
  auto cgroups = cgroups_->sweep();
  if (!cgroups) {
    return cgroups;
  }
  auto network = sweep_nat(options_);
  return network ? base::Result<std::uint32_t>(*cgroups + *network) : network;
}

}  // namespace hearth::sandbox
