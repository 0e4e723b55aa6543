// Timers ordered by time: the part that both event loops share. Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/event_loop.h"

namespace hearth::base {

class TimerQueue {
 public:
  TimerId add(TimePoint when, std::function<void()> callback);
  void cancel(TimerId timer);

  // When the earliest timer is due; nothing if there is none.
  std::optional<TimePoint> next() const;

  // Removes and returns the earliest callback that is due at `now`; empty if none is.
  std::function<void()> pop_due(TimePoint now);

  std::size_t size() const { return due_.size(); }

 private:
  using Key = std::pair<TimePoint, TimerId>;

  std::map<Key, std::function<void()>> due_;
  std::unordered_map<TimerId, TimePoint> when_;
  TimerId last_id_ = 0;
};

}  // namespace hearth::base
