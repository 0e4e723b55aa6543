// The monitor: the paper's third service, as far as it exists. It tells who comes and goes, takes away what a
// lost worker had announced, and removes code that no function has any more. Any number may run: each does
// what is idempotent.
//
// Loop thread only; the store's work is done on the pool.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/blocking_pool.h"
#include "base/event_loop.h"
#include "messaging/member_directory.h"
#include "monitor/member_watch.h"

namespace hearth::monitor {

struct MonitorParts {
  base::EventLoop& loop;
  base::BlockingPool& pool;
  messaging::MemberDirectory& directory;
  std::function<base::Result<void>()> sweep_code;  // for any thread; blocks
};

struct MonitorCounts {
  std::size_t members = 0;
  std::uint64_t workers_lost = 0;
  std::uint64_t entries_dropped = 0;
  std::uint64_t code_sweeps = 0;
  std::uint64_t code_sweeps_failed = 0;

  bool operator==(const MonitorCounts&) const = default;
};

class Monitor {
 public:
  // `sweep_interval`: --code-sweep-interval. What is referred to outlives it, and the loop the pool.
  Monitor(std::chrono::milliseconds sweep_interval, MonitorParts parts);
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;
  ~Monitor();

  // Begins to sweep: once an interval, the next one after the last has ended.
  void start();
  // Who there is now; those that have left among them.
  void looked(const std::vector<model::Member>& members);

  MonitorCounts counts() const;

 private:
  void lost(const MemberEvent& event);
  void sweep_soon();
  void sweep();
  void swept(const base::Result<void>& result);

  const std::chrono::milliseconds sweep_interval_;
  const MonitorParts parts_;
  MemberWatch watch_;
  MonitorCounts counts_;
  base::TimerId sweep_timer_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace hearth::monitor
