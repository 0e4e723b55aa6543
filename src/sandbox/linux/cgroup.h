// The cgroup of one sandbox and the tree that holds those of one server, on v2 (cgroup_v2.cc) and on
// v1 with an optional v2 mount beside it (cgroup_v1.cc). Called by LinuxBackend. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "sandbox/linux/cgroup_layout.h"
#include "sandbox/sandbox.h"

namespace hearth::sandbox {

class Cgroup {
 public:
  virtual ~Cgroup() = default;

  // Memory and CPU; writes what differs from what it has. kBusy when more memory than the new limit is in
  // use and cannot be reclaimed; then nothing has changed.
  virtual base::Result<void> set_limits(const Limits& limits) = 0;
  // Processes and threads together.
  virtual base::Result<void> set_processes(std::uint32_t processes) = 0;

  // How a child gets in: CLONE_INTO_CGROUP with this descriptor (-1: none), then by writing "0" into
  // each of these files itself. (A parent that writes a pid into cgroup.procs waits for an RCU grace
  // period, 11 ms on a quiet machine; a thread that moves itself does not.)
  virtual int clone_target() const = 0;
  virtual std::span<const int> task_files() const = 0;
  // The child is in: closes what only served to get there.
  virtual void entered() = 0;

  // An eventfd that counts when the kernel runs out of this memory; -1 where the kernel then ends the
  // whole group by itself.
  virtual int oom_event() const = 0;
  virtual bool out_of_memory() const = 0;
  virtual std::uint64_t peak_memory_bytes() const = 0;

  // Its freezer is invalid where there is no v2 mount.
  virtual Control control() const = 0;

  // SIGKILL to every process in it.
  virtual void kill() = 0;
  // True when nothing is left of it, false while the kernel keeps it busy: call again.
  virtual bool remove() = 0;
};

class CgroupTree {
 public:
  virtual ~CgroupTree() = default;

  // An empty cgroup with these limits. After an error nothing is left.
  virtual base::Result<std::unique_ptr<Cgroup>> create(const std::string& name, const Limits& limits) = 0;

  // Kills and removes every cgroup below this tree; returns how many names there were. Waits at most
  // kSweepTimeoutMs for the killed to go; kBusy after that.
  virtual base::Result<std::uint32_t> sweep() = 0;
};

inline constexpr int kSweepTimeoutMs = 5'000;
inline constexpr std::uint64_t kCpuPeriodUs = 100'000;  // the kernel's default; caps hold over this time

// Makes <parent>/<tag> in every hierarchy that is used. Its destructor removes what is empty of it.
base::Result<std::unique_ptr<CgroupTree>> open_cgroup_tree(const CgroupLayout& layout,
                                                           const std::string& parent, const std::string& tag);

}  // namespace hearth::sandbox
