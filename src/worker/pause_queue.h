// Instances that are idle, in the order in which they became it, until each is paused.
//
// One timer for all: a warm call links and unlinks its instance, and touches no timer. Loop thread only.
#pragma once

#include <boost/intrusive/list.hpp>
#include <chrono>
#include <functional>
#include <utility>

#include "base/event_loop.h"

namespace hearth::worker {

// What can be paused. It leaves the queue when it is destroyed.
class Pausable
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  virtual ~Pausable() = default;
  // It has been idle for as long as --pause-after says.
  virtual void pause() = 0;

 private:
  friend class PauseQueue;
  base::TimePoint idle_since_;
};

class PauseQueue {
 public:
  // `pause_after` 0: never.
  PauseQueue(base::EventLoop& loop, std::chrono::microseconds pause_after)
      : loop_(loop), pause_after_(pause_after) {}
  PauseQueue(const PauseQueue&) = delete;
  PauseQueue& operator=(const PauseQueue&) = delete;
  ~PauseQueue();

  // It has nothing to do from now on. No effect on one that is idle already.
  void idle(Pausable& instance, base::TimePoint now);
  // It has. Safe also when it was not idle.
  static void busy(Pausable& instance) { instance.unlink(); }

 private:
  void arm(base::TimePoint when);
  void pause_due();

  base::EventLoop& loop_;
  const std::chrono::microseconds pause_after_;
  boost::intrusive::list<Pausable, boost::intrusive::constant_time_size<false>> idle_;
  base::TimerId timer_ = 0;
};

}  // namespace hearth::worker
