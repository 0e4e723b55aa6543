#include "tests/simulation/work_queue.h"

#include <utility>
#include <vector>

namespace hearth::simulation {

using std::chrono::microseconds;

base::Result<void> WorkQueue::submit(std::function<void()> job) {
  if (waiting_.size() >= kQueue) {
    return base::Error{base::ErrorCode::kExhausted, "too many operations are waiting for the disk"};
  }
  waiting_.push_back(std::move(job));
  begin_next();
  return {};
}

base::Duration WorkQueue::pause() {
  if (loop_.now() < slow_until_) {
    return microseconds(100'000 + dice_.below(4'000'000));
  }
  return microseconds(dice_.below(10) == 0 ? dice_.below(50'000) : 100 + dice_.below(4'000));
}

void WorkQueue::begin_next() {
  while (under_way_.size() < kThreads && !waiting_.empty()) {
    const std::uint64_t number = ++last_;
    under_way_[number] = std::move(waiting_.front());
    waiting_.pop_front();
    loop_.at(loop_.now() + pause(), [this, number] { done(number); });
  }
}

void WorkQueue::done(std::uint64_t number) {
  if (home_.alive() && home_.stopped() && dice_.below(2) == 0) {
    stopped_.push_back(number);
    return;
  }
  const auto job = under_way_.extract(number);
  if (!job.empty()) {
    const std::uint32_t most_us = dice_.below(3) == 0 ? 30'000 : 2'000;  // what is done may be told late
    home_.run_elsewhere(microseconds(20 + dice_.below(most_us)), job.mapped());
  }
  if (home_.alive()) {
    begin_next();
  }
}

void WorkQueue::go_on() {
  for (const std::uint64_t number : std::exchange(stopped_, {})) {
    loop_.at(loop_.now() + microseconds(dice_.below(1'000)), [this, number] { done(number); });
  }
}

// Whoever waits for an answer is dead.
void WorkQueue::kill() {
  waiting_.clear();
  stopped_.clear();
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, job] : under_way_) {
    numbers.push_back(number);
  }
  for (const std::uint64_t number : numbers) {
    const std::uint32_t fate = dice_.below(options_.own_disk ? 2 : 3);
    if (fate == 0) {
      under_way_.erase(number);
    } else if (fate == 1) {
      done(number);
    }
  }
}

}  // namespace hearth::simulation
