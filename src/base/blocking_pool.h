// A bounded pool of threads for what blocks (SQLite, unzip, fsync), so that no loop ever does.
// submit() from any thread. Jobs run in the order of submission, on any of the pool's threads.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/work_pool.h"

namespace hearth::base {

class BlockingPool final : public WorkPool {
 public:
  // `queue_limit`: jobs waiting beyond the ones that run; one more is refused.
  BlockingPool(std::size_t thread_count, std::size_t queue_limit);
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  // Finishes the jobs that were accepted, then joins.
  ~BlockingPool() override;

  // kExhausted when the queue is full.
  Result<void> submit(std::function<void()> job) override;

 private:
  void run();

  const std::size_t queue_limit_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;  // guarded by mutex_
  bool stopping_ = false;                   // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace hearth::base
