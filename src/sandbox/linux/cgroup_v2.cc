// Pure cgroup v2: one folder a sandbox (Documentation/admin-guide/cgroup-v2.rst).
#include <fcntl.h>

#include <utility>

#include "sandbox/linux/cgroup_tree.h"

namespace hearth::sandbox {
namespace {

constexpr const char* kControllers = "+memory +cpu +pids";

std::string cpu_max(std::uint32_t millicores) {
  const auto quota =
      millicores == 0 ? std::string("max") : std::to_string(millicores * (kCpuPeriodUs / 1000));
  return quota + " " + std::to_string(kCpuPeriodUs);
}

class CgroupV2 final : public Cgroup {
 public:
  explicit CgroupV2(CgroupFolder folder) : folder_(std::move(folder)) {}
  ~CgroupV2() override { folder_.remove(); }

  base::Result<void> initialise(const Limits& limits) {
    // The kernel ends the whole group when one of it runs out of memory.
    auto done = folder_.write("memory.oom.group", std::uint64_t{1});
    if (done && folder_.has("memory.swap.max")) {  // absent when the kernel accounts no swap
      done = folder_.write("memory.swap.max", std::uint64_t{0});
    }
    if (done) {
      done = set_processes(limits.processes);
    }
    return done ? set_limits(limits) : done;
  }

  base::Result<void> set_limits(const Limits& limits) override {
    auto done = base::Result<void>();
    if (limits.memory_bytes != limits_.memory_bytes) {
      // memory.max below the usage would kill, where the port promises kBusy.
      if (!shrink_to(limits.memory_bytes)) {
        return base::Error{base::ErrorCode::kBusy, "more memory than the new limit is in use"};
      }
      done = folder_.write("memory.max", limits.memory_bytes);
    }
    if (done && limits.cpu_weight != limits_.cpu_weight) {
      done = folder_.write("cpu.weight", limits.cpu_weight);
    }
    if (done && limits.cpu_millicores != limits_.cpu_millicores) {
      done = folder_.write("cpu.max", cpu_max(limits.cpu_millicores));
    }
    if (done) {
      limits_ = limits;
    }
    return done;
  }

  base::Result<void> set_processes(std::uint32_t processes) override {
    auto done = base::Result<void>();
    if (processes != processes_) {
      done = folder_.write("pids.max", processes);
    }
    processes_ = done ? processes : processes_;
    return done;
  }

  int clone_target() const override { return folder_.fd(); }
  std::span<const int> task_files() const override { return {}; }
  void entered() override { folder_.close(); }
  int oom_event() const override { return -1; }
  bool out_of_memory() const override { return folder_.read_keyed("memory.events", "oom_kill") > 0; }
  std::uint64_t peak_memory_bytes() const override { return folder_.read_number("memory.peak").value_or(0); }
  Control control() const override {
    return {folder_.open_if_there("cgroup.freeze", O_WRONLY),
            folder_.open_if_there("memory.current", O_RDONLY)};
  }
  void kill() override { folder_.kill_all(); }
  bool remove() override { return folder_.remove(); }

 private:
  bool shrink_to(std::uint64_t bytes) const {
    const auto used = folder_.read_number("memory.current").value_or(0);
    if (used <= bytes) {
      return true;
    }
    // Drops clean page cache; fails, as it should, when there is not enough of it.
    return folder_.write("memory.reclaim", used - bytes).ok() &&
           folder_.read_number("memory.current").value_or(0) <= bytes;
  }

  CgroupFolder folder_;
  Limits limits_ = kUnlimited;  // as they were written last
  std::uint32_t processes_ = 0;
};

class CgroupTreeV2 final : public CgroupTree {
 public:
  explicit CgroupTreeV2(TagFolder tag) : tag_(std::move(tag)) {}

  base::Result<std::unique_ptr<Cgroup>> create(const std::string& name, const Limits& limits) override {
    auto folder = tag_.folder().new_child(name);
    if (!folder) {
      return folder.error();
    }
    auto cgroup = std::make_unique<CgroupV2>(std::move(*folder));
    if (auto done = cgroup->initialise(limits); !done) {
      return done.error();
    }
    return std::unique_ptr<Cgroup>(std::move(cgroup));
  }

  base::Result<std::uint32_t> sweep() override { return sweep_folders(std::span(&tag_, 1)); }

 private:
  TagFolder tag_;
};

}  // namespace

base::Result<std::unique_ptr<CgroupTree>> open_cgroup_tree_v2(const CgroupLayout& layout,
                                                              const std::string& parent,
                                                              const std::string& tag) {
  auto folder = TagFolder::open(layout.unified, parent, tag, kControllers);
  if (!folder) {
    return folder.error();
  }
  return std::unique_ptr<CgroupTree>(std::make_unique<CgroupTreeV2>(std::move(*folder)));
}

}  // namespace hearth::sandbox
