#include "base/reactor.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <system_error>
#include <utility>

namespace hearth::base {
namespace {

constexpr int kEventsPerTurn = 128;
// Events told before those are asked that look_between() is for.
constexpr int kBetween = 8;
// A timer that fires early is asked again: what is this close is run now.
constexpr std::chrono::microseconds kTimerSlack{10};
// The longest sleep without a timer; only so that a wait is always bounded.
constexpr std::chrono::seconds kLongestSleep{3'600};

int check(int result, const char* what) {
  if (result < 0) {
    throw std::system_error(errno, std::generic_category(), what);
  }
  return result;
}

}  // namespace

struct Reactor::Watch::Entry {
  Reactor* reactor = nullptr;
  int fd = -1;
  OnReady on_ready;
  bool watched = true;
  bool between = false;
};

void Reactor::Watch::look_between(bool wanted) {
  if (entry_ == nullptr || entry_->between == wanted) {
    return;
  }
  entry_->between = wanted;
  auto& between = entry_->reactor->between_;
  if (wanted) {
    between.push_back(entry_.get());
  } else {
    std::erase(between, entry_.get());
  }
}

Reactor::Watch& Reactor::Watch::operator=(Watch&& other) noexcept {
  if (this != &other) {
    stop();
    entry_ = std::move(other.entry_);
  }
  return *this;
}

void Reactor::Watch::stop() {
  look_between(false);
  const auto entry = std::exchange(entry_, nullptr);
  if (entry == nullptr) {
    return;
  }
  entry->watched = false;
  ::epoll_ctl(entry->reactor->epoll_.get(), EPOLL_CTL_DEL, entry->fd, nullptr);
  entry->reactor->ended_.push_back(entry);  // NOLINT(bugprone-exception-escape): bad_alloc ends the process
}

Reactor::Reactor(SpinOptions spin)
    : epoll_(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wake_(check(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")),
      spin_(std::move(spin)) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event), "epoll_ctl");
}

Reactor::~Reactor() = default;

Reactor::Watch Reactor::watch(int fd, OnReady on_ready) {
  auto entry = std::make_shared<Watch::Entry>();
  entry->reactor = this;
  entry->fd = fd;
  entry->on_ready = std::move(on_ready);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = entry.get();
  check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
  return Watch(std::move(entry));
}

void Reactor::post(std::function<void()> callback) {
  if (std::this_thread::get_id() == thread_.load(std::memory_order_relaxed)) {
    posted_.push_back(std::move(callback));
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    posted_elsewhere_.push_back(std::move(callback));
  }
  wake();
}

void Reactor::wake() {
  if (!woken_.exchange(true)) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
  }
}

void Reactor::stop() {
  stopped_ = true;
  wake();
}

void Reactor::run() {
  while (!stopped_.exchange(false)) {
    turn(TimePoint::max());
  }
}

std::size_t Reactor::poll() {
  std::size_t ran = 0;
  while (const std::size_t count = turn(TimePoint::min())) {
    ran += count;
  }
  return ran;
}

std::size_t Reactor::run_one_until(TimePoint deadline) { return turn(deadline); }

// One round: what is ready, then timers that are due, then what was posted up to now.
std::size_t Reactor::turn(TimePoint until) {
  thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  std::size_t ran = static_cast<std::size_t>(wait(until));
  ran += run_timers();
  ran += run_posted();
  ended_.clear();
  return ran;
}

// Sleeps until something is ready, at the earliest timer at the latest, and tells it. How many were told.
int Reactor::wait(TimePoint until) {
  if (const auto timer = timers_.next()) {
    until = std::min(until, *timer);
  }
  if (!posted_.empty()) {
    until = TimePoint::min();
  }
  std::array<epoll_event, kEventsPerTurn> events;
  const auto look = [&](Duration timeout) {
    const int count = look_once(events.data(), timeout);
    if (count != 0) {
      heard_before_ = heard_at_;
      heard_at_ = count < static_cast<int>(kEventsPerTurn) ? now() : heard_at_;
    }
    return count;
  };
  if (until == TimePoint::min()) {
    return tell(events.data(), look(Duration::zero()));
  }
  const TimePoint began = now();
  const TimePoint spin_end = std::min(until, began + spin_.budget());
  int count = 0;
  TimePoint at = began;
  for (; count == 0 && at < spin_end; at = now()) {
    count = look(Duration::zero());
  }
  if (count == 0) {
    count = look(until == TimePoint::max() ? kLongestSleep : until - at);
  }
  if (spin_.enabled()) {
    spin_.waited(std::chrono::duration_cast<std::chrono::microseconds>(now() - began));
  }
  return tell(events.data(), count);
}

// What is ready within `timeout`. Kernels before 5.11, and valgrind, know milliseconds only.
int Reactor::look_once(epoll_event* events, Duration timeout) {
  timeout = std::max(timeout, Duration::zero());
  if (waits_precisely_) {
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(timeout).count();
    const timespec limit{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
    const int count = ::epoll_pwait2(epoll_.get(), events, kEventsPerTurn, &limit, nullptr);
    waits_precisely_ = count >= 0 || errno != ENOSYS;
    if (waits_precisely_) {
      return count;
    }
  }
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  return ::epoll_wait(epoll_.get(), events, kEventsPerTurn, static_cast<int>(ms));
}

int Reactor::tell(const epoll_event* events, int count) {
  int told = 0;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[i];
    if (event.data.ptr == nullptr) {
      std::uint64_t ignored = 0;
      [[maybe_unused]] const auto got = ::read(wake_.get(), &ignored, sizeof ignored);
      woken_ = false;
      others_posted_ = true;
      continue;
    }
    auto* entry = static_cast<Watch::Entry*>(event.data.ptr);
    if (i % kBetween == kBetween - 1 && !between_.empty()) {
      tell_between();
    }
    if (entry->watched) {
      ++told;
      entry->on_ready({(event.events & EPOLLIN) != 0, (event.events & EPOLLOUT) != 0,
                       (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0});
    }
  }
  return told;
}

void Reactor::tell_between() {
  // By number: a callback may add and remove some. One that is passed over is looked at next time.
  for (std::size_t i = 0; i < between_.size(); ++i) {
    between_[i]->on_ready({true, false, false});
  }
}

std::size_t Reactor::run_timers() {
  std::size_t ran = 0;
  const auto next = timers_.next();
  if (!next) {
    return 0;
  }
  const TimePoint due = now() + kTimerSlack;
  while (auto callback = timers_.pop_due(due)) {
    callback();
    ++ran;
  }
  return ran;
}

std::size_t Reactor::discard_posted() {
  const auto mine = std::exchange(posted_, {});
  const auto others = [this] {
    const std::lock_guard lock(mutex_);
    return std::exchange(posted_elsewhere_, {});
  }();
  return mine.size() + others.size();
}

std::size_t Reactor::run_posted() {
  if (posted_.empty() && !others_posted_) {
    return 0;
  }
  auto batch = std::exchange(posted_, {});
  if (std::exchange(others_posted_, false)) {
    const std::lock_guard lock(mutex_);
    messages_ += posted_elsewhere_.size();
    batch.insert(batch.end(), std::make_move_iterator(posted_elsewhere_.begin()),
                 std::make_move_iterator(posted_elsewhere_.end()));
    posted_elsewhere_.clear();
  }
  for (auto& callback : batch) {
    callback();
  }
  return batch.size();
}

}  // namespace hearth::base
