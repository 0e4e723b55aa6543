#include "base/timer_queue.h"

namespace hearth::base {

TimerId TimerQueue::add(TimePoint when, std::function<void()> callback) {
  const TimerId id = ++last_id_;
  due_.emplace(Key{when, id}, std::move(callback));
  when_.emplace(id, when);
  return id;
}

void TimerQueue::cancel(TimerId timer) {
  const auto found = when_.find(timer);
  if (found == when_.end()) {
    return;
  }
  due_.erase(Key{found->second, timer});
  when_.erase(found);
}

std::optional<TimePoint> TimerQueue::next() const {
  if (due_.empty()) {
    return std::nullopt;
  }
  return due_.begin()->first.first;
}

std::function<void()> TimerQueue::pop_due(TimePoint now) {
  if (due_.empty() || due_.begin()->first.first > now) {
    return {};
  }
  auto node = due_.extract(due_.begin());
  when_.erase(node.key().second);
  return std::move(node.mapped());
}

}  // namespace hearth::base
