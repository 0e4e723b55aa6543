// The largest of the values seen within the last so long. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>

#include "base/event_loop.h"

namespace hearth::membership {

class SlidingMaximum {
 public:
  explicit SlidingMaximum(base::Duration window) : window_(window) {}

  // `now` never goes back. Holds at most one value a call, and none that a later, larger one makes useless.
  void add(std::uint64_t value, base::TimePoint now) {
    forget(now);
    while (!values_.empty() && values_.back().value <= value) {
      values_.pop_back();
    }
    values_.push_back({value, now});
  }

  // 0 when nothing was seen.
  std::uint64_t at(base::TimePoint now) {
    forget(now);
    return values_.empty() ? 0 : values_.front().value;
  }

 private:
  struct Seen {
    std::uint64_t value = 0;
    base::TimePoint when;
  };

  void forget(base::TimePoint now) {
    while (!values_.empty() && values_.front().when + window_ < now) {
      values_.pop_front();
    }
  }

  const base::Duration window_;
  std::deque<Seen> values_;  // oldest first, each larger than those behind it
};

}  // namespace hearth::membership
