// The loop that owns a part's state: monotonic time, timers and a way in from other threads.
//
// Every stateful heart (dispatcher, worker, gateway) is handed one and is called on its thread only.
// Reactor runs for real; ManualEventLoop is a virtual clock for tests and simulation, so that
// no test sleeps.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

namespace hearth::base {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;

// 0 is never a live timer.
using TimerId = std::uint64_t;

class EventLoop {
 public:
  virtual ~EventLoop() = default;

  // Monotonic. Loop thread; any thread for Reactor.
  virtual TimePoint now() const = 0;

  // Runs `callback` on the loop at `when` or as soon after as it can (never inside the call itself).
  // Loop thread only. Cheap: a warm invocation sets and cancels one.
  virtual TimerId at(TimePoint when, std::function<void()> callback) = 0;

  // A timer that has run, or was cancelled, or 0, is ignored. Loop thread only.
  virtual void cancel(TimerId timer) = 0;

  // Runs `callback` on the loop soon. Any thread.
  virtual void post(std::function<void()> callback) = 0;
};

}  // namespace hearth::base
