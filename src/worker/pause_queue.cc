#include "worker/pause_queue.h"

namespace hearth::worker {

PauseQueue::~PauseQueue() {
  loop_.cancel(timer_);
  idle_.clear();
}

void PauseQueue::idle(Pausable& instance, base::TimePoint now) {
  if (pause_after_.count() == 0 || instance.is_linked()) {
    return;
  }
  instance.idle_since_ = now;
  idle_.push_back(instance);
  if (timer_ == 0) {
    arm(now + pause_after_);
  }
}

void PauseQueue::arm(base::TimePoint when) {
  timer_ = loop_.at(when, [this] {
    timer_ = 0;
    pause_due();
  });
}

void PauseQueue::pause_due() {
  const base::TimePoint now = loop_.now();
  while (!idle_.empty()) {
    Pausable& oldest = idle_.front();
    if (oldest.idle_since_ + pause_after_ > now) {
      arm(oldest.idle_since_ + pause_after_);
      return;
    }
    oldest.unlink();
    oldest.pause();
  }
}

}  // namespace hearth::worker
