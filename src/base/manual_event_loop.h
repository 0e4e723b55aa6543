// An event loop on a virtual clock: time moves only when a test or the simulator says so.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <utility>

#include "base/event_loop.h"
#include "base/timer_queue.h"

namespace hearth::base {

class ManualEventLoop final : public EventLoop {
 public:
  TimePoint now() const override { return now_; }
  TimerId at(TimePoint when, std::function<void()> callback) override {
    return timers_.add(when, std::move(callback));
  }
  void cancel(TimerId timer) override { timers_.cancel(timer); }
  void post(std::function<void()> callback) override {
    ++posted_in_all_;
    posted_.push_back(std::move(callback));
  }

  // Runs everything posted, including what that posts.
  void run_posted() {
    while (!posted_.empty()) {
      auto callback = std::move(posted_.front());
      posted_.pop_front();
      callback();
    }
  }

  // Moves time forward by `step`, running timers in their order, each at its own time.
  void advance(Duration step) {
    const TimePoint end = now_ + step;
    run_posted();
    while (timers_.next() && *timers_.next() <= end) {
      now_ = std::max(now_, *timers_.next());
      if (auto callback = timers_.pop_due(now_)) {
        callback();
      }
      run_posted();
    }
    now_ = end;
  }

  std::size_t pending_timers() const { return timers_.size(); }
  std::uint64_t posted_in_all() const { return posted_in_all_; }

 private:
  TimePoint now_{std::chrono::hours(1)};
  TimerQueue timers_;
  std::deque<std::function<void()>> posted_;
  std::uint64_t posted_in_all_ = 0;
};

}  // namespace hearth::base
