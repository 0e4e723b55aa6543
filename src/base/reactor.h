// The real event loop: epoll, timers, and a way in from other threads; run by one thread.
//
// Whoever owns a descriptor registers it once, for every readiness, edge by edge (epoll(7), EPOLLET): a
// warm invocation then costs no system call but those that move its bytes. Everything but post(), now() and
// stop() is for the loop's own thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/event_loop.h"
#include "base/spin.h"
#include "base/timer_queue.h"
#include "base/unique_fd.h"

struct epoll_event;

namespace hearth::base {

// What has become possible on a descriptor since it was last told; `ended`: the peer will send nothing more,
// or the descriptor is broken: reading says which.
struct Readiness {
  bool readable = false;
  bool writable = false;
  bool ended = false;
};

class Reactor final : public EventLoop {
 public:
  // Called from run(), never inside another call to the reactor. Each edge is told once: the callee
  // remembers what it does not use up.
  using OnReady = std::function<void(Readiness)>;

  // Watches one descriptor until it is destroyed, also from inside its own callback. The descriptor stays
  // its owner's, who closes it afterwards.
  class [[nodiscard]] Watch {
   public:
    Watch() = default;
    Watch(Watch&& other) noexcept = default;
    Watch& operator=(Watch&& other) noexcept;
    ~Watch() { stop(); }

    bool active() const { return entry_ != nullptr; }
    // In a long turn the callback is called between others too, as if the descriptor were readable: it may
    // find nothing. For what keeps another process at work, which would wait for the turn's end otherwise.
    void look_between(bool wanted);
    void stop();

   private:
    friend class Reactor;
    struct Entry;
    explicit Watch(std::shared_ptr<Entry> entry) : entry_(std::move(entry)) {}

    std::shared_ptr<Entry> entry_;
  };

  // `spin`: how the loop waits before it sleeps.
  explicit Reactor(SpinOptions spin = {});
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  ~Reactor() override;

  TimePoint now() const override { return Clock::now(); }
  TimerId at(TimePoint when, std::function<void()> callback) override {
    return timers_.add(when, std::move(callback));
  }
  void cancel(TimerId timer) override { timers_.cancel(timer); }
  void post(std::function<void()> callback) override;

  // `fd` is non-blocking. What is ready already is told on the next turn. Never fails but for want of memory
  // (the process ends then): the descriptor is open and not watched yet.
  Watch watch(int fd, OnReady on_ready);

  // Until stop().
  void run();
  // Any thread, any moment: run() returns after the turn that it is in.
  void stop();

  // What is told in this turn has become possible after this moment. Loop thread only.
  TimePoint heard_since() const { return heard_before_; }

  // Callbacks that other threads have posted and this one has run. Loop thread only.
  std::uint64_t messages() const { return messages_; }

  // After run(): destroys what was posted and never ran. How much that was: what is destroyed may post.
  std::size_t discard_posted();

  // For tests: watches that are looked at between others.
  std::size_t looked_between() const { return between_.size(); }
  // For tests: turns until one finds nothing to do; and one turn that waits until `deadline` at most. How
  // many callbacks ran.
  std::size_t poll();
  std::size_t run_one_until(TimePoint deadline);

 private:
  std::size_t turn(TimePoint until);
  int wait(TimePoint until);
  int look_once(epoll_event* events, Duration timeout);
  int tell(const epoll_event* events, int count);
  void tell_between();
  std::size_t run_timers();
  std::size_t run_posted();
  void wake();

  const UniqueFd epoll_;
  const UniqueFd wake_;
  Spin spin_;
  bool waits_precisely_ = true;  // false: there is no epoll_pwait2(2)
  TimePoint heard_at_{};         // when everything that was possible had last been told
  TimePoint heard_before_{};     // the same, before this turn
  TimerQueue timers_;
  std::vector<std::function<void()>> posted_;  // by the loop's own thread
  bool others_posted_ = false;                 // posted_elsewhere_ has something
  std::uint64_t messages_ = 0;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_elsewhere_;  // guarded by mutex_
  std::atomic<bool> woken_ = false;                      // wake_ holds a count already
  std::atomic<bool> stopped_ = false;
  std::atomic<std::thread::id> thread_{};
  std::vector<Watch::Entry*> between_;                // asked for by look_between()
  std::vector<std::shared_ptr<Watch::Entry>> ended_;  // of this turn: its events may still name them
};

}  // namespace hearth::base
