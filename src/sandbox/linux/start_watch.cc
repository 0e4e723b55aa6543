#include "sandbox/linux/start_watch.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "sandbox/linux/signals_blocked.h"
#include "sandbox/linux/spawn.h"

namespace hearth::sandbox {

base::Result<std::unique_ptr<StartWatch>> StartWatch::create(int timeout_ms) {
  base::UniqueFd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
  if (!timer.valid()) {
    return base::io_error("cannot make a timer for the sandboxes' starts", errno);
  }
  return std::unique_ptr<StartWatch>(new StartWatch(timeout_ms, std::move(timer)));
}

StartWatch::StartWatch(int timeout_ms, base::UniqueFd timer)
    : timeout_ms_(timeout_ms), timer_(std::move(timer)) {
  const AllSignalsBlocked blocked;  // in the new thread: the process's signals are the first one's
  thread_ = std::thread([this] { run(); });
}

StartWatch::~StartWatch() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    set_timer(1);
  }
  thread_.join();
}

void StartWatch::begin(const int* process) {
  const std::lock_guard lock(mutex_);
  process_ = process;
  killed_ = false;
  set_timer(timeout_ms_);
}

bool StartWatch::end() {
  const std::lock_guard lock(mutex_);
  process_ = nullptr;
  set_timer(0);
  return killed_;
}

void StartWatch::run() {
  for (;;) {
    std::uint64_t times = 0;
    [[maybe_unused]] const auto got = ::read(timer_.get(), &times, sizeof times);
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      return;
    }
    // Without a pidfd there is no process yet; the timer comes again.
    if (process_ != nullptr && __atomic_load_n(process_, __ATOMIC_ACQUIRE) >= 0) {
      kill_process(*process_);
      killed_ = true;
    }
  }
}

// Periodic; 0 stops it.
void StartWatch::set_timer(int delay_ms) const {
  itimerspec when{};
  when.it_value.tv_sec = when.it_interval.tv_sec = delay_ms / 1000;
  when.it_value.tv_nsec = when.it_interval.tv_nsec = delay_ms % 1000 * 1'000'000L;
  ::timerfd_settime(timer_.get(), 0, &when, nullptr);
}

}  // namespace hearth::sandbox
