// Controllers on cgroup v1 (Documentation/admin-guide/cgroup-v1/), one folder a sandbox in each of
// their hierarchies, and one on the v2 mount beside them, if there is one, to kill and freeze with.
#include <fcntl.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>

#include "sandbox/linux/cgroup_tree.h"

namespace hearth::sandbox {
namespace {

constexpr std::uint64_t kSharesMin = 2;  // the kernel's

// One T a hierarchy. A mount may carry several controllers; the indices say which one carries what.
template <typename T>
struct ByController {
  std::vector<T> hierarchies;
  std::size_t memory = 0, cpu = 0, pids = 0;
  std::size_t controllers_end = 0;  // those below are v1; at most one above is the v2 mount
};

using Folders = ByController<CgroupFolder>;

class CgroupV1 final : public Cgroup {
 public:
  explicit CgroupV1(Folders folders) : folders_(std::move(folders)) {}
  ~CgroupV1() override { remove(); }

  base::Result<void> initialise(const Limits& limits) {
    auto done = set_limits(limits);
    if (done) {
      done = set_processes(limits.processes);
    }
    if (done) {
      done = open_task_files();
    }
    if (done) {
      done = watch_memory();
    }
    close_folders(folders_.controllers_end);  // the v2 one is how a child gets in
    return done;
  }

  base::Result<void> set_limits(const Limits& limits) override {
    const auto& cpu = folders_.hierarchies[folders_.cpu];
    auto done = base::Result<void>();
    if (limits.memory_bytes != limits_.memory_bytes) {
      done = set_memory(limits.memory_bytes);
    }
    if (done && limits.cpu_weight != limits_.cpu_weight) {
      done = cpu.write("cpu.shares", std::max<std::uint64_t>(limits.cpu_weight, kSharesMin));
    }
    if (done && limits.cpu_millicores != limits_.cpu_millicores) {
      done = limits.cpu_millicores == 0
                 ? cpu.write("cpu.cfs_quota_us", "-1")
                 : cpu.write("cpu.cfs_quota_us", limits.cpu_millicores * (kCpuPeriodUs / 1000));
    }
    if (done) {
      limits_ = limits;
    }
    return done;
  }

  base::Result<void> set_processes(std::uint32_t processes) override {
    auto done = base::Result<void>();
    if (processes != processes_) {
      done = folders_.hierarchies[folders_.pids].write("pids.max", processes);
    }
    processes_ = done ? processes : processes_;
    return done;
  }

  int clone_target() const override { return has_unified() ? folders_.hierarchies.back().fd() : -1; }
  std::span<const int> task_files() const override { return task_fds_; }
  void entered() override {
    task_files_.clear();
    task_fds_.clear();
    close_folders(folders_.hierarchies.size());
  }
  int oom_event() const override { return oom_event_.get(); }
  bool out_of_memory() const override { return memory().read_keyed("memory.oom_control", "oom_kill") > 0; }
  std::uint64_t peak_memory_bytes() const override {
    return memory().read_number("memory.max_usage_in_bytes").value_or(0);
  }
  Control control() const override {
    Control control;
    if (has_unified()) {
      control.freezer = folders_.hierarchies.back().open_if_there("cgroup.freeze", O_WRONLY);
    }
    control.memory = memory().open_if_there("memory.usage_in_bytes", O_RDONLY);
    return control;
  }
  void kill() override { folders_.hierarchies.back().kill_all(); }

  bool remove() override {
    oom_event_.reset();  // the kernel signals it once more when the folder goes
    task_files_.clear();
    task_fds_.clear();
    bool gone = true;
    for (auto& folder : folders_.hierarchies) {
      gone = folder.remove() && gone;
    }
    return gone;
  }

 private:
  const CgroupFolder& memory() const { return folders_.hierarchies[folders_.memory]; }
  bool has_unified() const { return folders_.hierarchies.size() > folders_.controllers_end; }

  // Memory with swap must never be below memory alone, so the order of the two writes depends on the
  // direction. The second write of a reduction cannot fail for want of memory, as there is no swap.
  base::Result<void> set_memory(std::uint64_t bytes) const {
    const char* first = "memory.limit_in_bytes";
    const char* second = "memory.memsw.limit_in_bytes";
    if (!memory().has(second)) {  // the kernel accounts no swap
      return memory().write(first, bytes);
    }
    const auto old = memory().read_number(first).value_or(0);
    if (bytes > old) {
      std::swap(first, second);
    }
    auto done = memory().write(first, bytes);
    if (!done) {
      return done;
    }
    done = memory().write(second, bytes);
    if (!done) {
      (void)memory().write(first, old);
    }
    return done;
  }

  void close_folders(std::size_t end) {
    for (std::size_t i = 0; i < end; ++i) {
      folders_.hierarchies[i].close();
    }
  }

  base::Result<void> open_task_files() {
    for (std::size_t i = 0; i < folders_.controllers_end; ++i) {
      auto file = folders_.hierarchies[i].open_file("tasks", O_WRONLY);
      if (!file) {
        return file.error();
      }
      task_fds_.push_back(file->get());
      task_files_.push_back(std::move(*file));
    }
    return {};
  }

  // v1 kills one process of the group and goes on; whoever reads the event kills the rest.
  base::Result<void> watch_memory() {
    auto control = memory().open_file("memory.oom_control", O_RDONLY);
    if (!control) {
      return control.error();
    }
    oom_event_.reset(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!oom_event_.valid()) {
      return base::io_error("cannot make an eventfd", errno);
    }
    return memory().write("cgroup.event_control",
                          std::to_string(oom_event_.get()) + " " + std::to_string(control->get()));
  }

  Folders folders_;
  Limits limits_ = kUnlimited;  // as they were written last
  std::uint32_t processes_ = 0;
  std::vector<base::UniqueFd> task_files_;
  std::vector<int> task_fds_;  // the same descriptors, as the child wants them
  base::UniqueFd oom_event_;
};

class CgroupTreeV1 final : public CgroupTree {
 public:
  explicit CgroupTreeV1(ByController<TagFolder> tags) : tags_(std::move(tags)) {}

  base::Result<std::unique_ptr<Cgroup>> create(const std::string& name, const Limits& limits) override {
    Folders folders{.hierarchies = {},
                    .memory = tags_.memory,
                    .cpu = tags_.cpu,
                    .pids = tags_.pids,
                    .controllers_end = tags_.controllers_end};
    for (const auto& tag : tags_.hierarchies) {
      auto folder = tag.folder().new_child(name);
      if (!folder) {
        for (auto& made : folders.hierarchies) {
          made.remove();
        }
        return folder.error();
      }
      folders.hierarchies.push_back(std::move(*folder));
    }
    auto cgroup = std::make_unique<CgroupV1>(std::move(folders));
    if (auto done = cgroup->initialise(limits); !done) {
      return done.error();
    }
    return std::unique_ptr<Cgroup>(std::move(cgroup));
  }

  base::Result<std::uint32_t> sweep() override { return sweep_folders(tags_.hierarchies); }

 private:
  ByController<TagFolder> tags_;
};

}  // namespace

base::Result<std::unique_ptr<CgroupTree>> open_cgroup_tree_v1(const CgroupLayout& layout,
                                                              const std::string& parent,
                                                              const std::string& tag) {
  std::vector<std::string> mounts;
  const auto index_of = [&](const std::string& mount) {
    const auto found = std::find(mounts.begin(), mounts.end(), mount);
    if (found != mounts.end()) {
      return static_cast<std::size_t>(found - mounts.begin());
    }
    mounts.push_back(mount);
    return mounts.size() - 1;
  };
  ByController<TagFolder> tags;
  tags.memory = index_of(layout.memory);
  tags.cpu = index_of(layout.cpu);
  tags.pids = index_of(layout.pids);
  tags.controllers_end = mounts.size();
  if (!layout.unified.empty()) {
    mounts.push_back(layout.unified);
  }
  for (const auto& mount : mounts) {
    auto folder = TagFolder::open(mount, parent, tag, {});
    if (!folder) {
      return folder.error();
    }
    tags.hierarchies.push_back(std::move(*folder));
  }
  return std::unique_ptr<CgroupTree>(std::make_unique<CgroupTreeV1>(std::move(tags)));
}

}  // namespace hearth::sandbox
