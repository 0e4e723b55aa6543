#include "base/blocking_pool.h"

#include <utility>

namespace hearth::base {

BlockingPool::BlockingPool(std::size_t thread_count, std::size_t queue_limit) : queue_limit_(queue_limit) {
  for (std::size_t i = 0; i < thread_count; ++i) {
    threads_.emplace_back([this] { run(); });
  }
}

BlockingPool::~BlockingPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) {
    thread.join();
  }
}

Result<void> BlockingPool::submit(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (jobs_.size() >= queue_limit_) {
      return Error{ErrorCode::kExhausted, "too many operations are waiting for the disk"};
    }
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
  return {};
}

void BlockingPool::run() {
  while (true) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) {
        return;
      }
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

}  // namespace hearth::base
