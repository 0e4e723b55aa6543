// Removes asynchronous executions that ended long ago, in the background and in small steps. Loop thread
// only; the store's work is on the pool.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/event_loop.h"
#include "base/work_pool.h"
#include "store/execution_store.h"

namespace hearth::monitor {

struct RetentionOptions {
  std::chrono::milliseconds age = std::chrono::hours(7 * 24);  // --async-retention: since its end
  std::size_t count = 1'000'000;                               // --async-retention-count: that have ended
};

struct RetentionParts {
  base::EventLoop& loop;
  base::WorkPool& pool;
  store::ExecutionStore& store;
  std::function<std::int64_t()> unix_now_ms;
};

class ExecutionRetention {
 public:
  ExecutionRetention(RetentionOptions options, RetentionParts parts)
      : options_(options), parts_(std::move(parts)) {}
  ExecutionRetention(const ExecutionRetention&) = delete;
  ExecutionRetention& operator=(const ExecutionRetention&) = delete;
  ~ExecutionRetention() { parts_.loop.cancel(timer_); }

  void start();
  std::uint64_t removed() const { return removed_; }

 private:
  void step_after(std::chrono::milliseconds pause);
  void step();
  void stepped(const base::Result<std::size_t>& removed);

  const RetentionOptions options_;
  const RetentionParts parts_;
  base::TimerId timer_ = 0;
  std::uint64_t removed_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace hearth::monitor
