#include "sim/sim_loop.h"

#include <algorithm>
#include <utility>

namespace hearth::sim {
namespace {

constexpr unsigned kGenerationShift = 32;

}  // namespace

base::TimerId SimLoop::at(base::TimePoint when, std::function<void()> callback) {
  if (free_places_.empty()) {
    free_places_.push_back(static_cast<std::uint32_t>(places_.size()));
    places_.emplace_back();
  }
  const std::uint32_t place = free_places_.back();
  free_places_.pop_back();
  places_[place].callback = std::move(callback);
  const std::uint32_t generation = places_[place].generation;
  heap_.push_back({std::max(when, now_), ++last_order_, place, generation});
  std::ranges::push_heap(heap_, later);
  return (base::TimerId{generation} << kGenerationShift) | place;
}

void SimLoop::cancel(base::TimerId timer) {
  const auto place = static_cast<std::uint32_t>(timer);
  const auto generation = static_cast<std::uint32_t>(timer >> kGenerationShift);
  if (generation != 0 && places_[place].generation == generation) {
    const auto dropped = give_up(place);  // whatever it holds goes when the place is in order again
  }
}

std::function<void()> SimLoop::give_up(std::uint32_t place) {
  auto callback = std::exchange(places_[place].callback, nullptr);
  if (++places_[place].generation == 0) {
    places_[place].generation = 1;
  }
  free_places_.push_back(place);
  return callback;
}

void SimLoop::run_posted() {
  while (!posted_.empty()) {
    const auto callback = std::move(posted_.front());
    posted_.pop_front();
    ++events_;
    callback();
  }
}

void SimLoop::run_until(base::TimePoint end) {
  run_posted();
  while (!heap_.empty() && heap_.front().when <= end) {
    const Due due = heap_.front();
    std::ranges::pop_heap(heap_, later);
    heap_.pop_back();
    if (places_[due.place].generation != due.generation) {
      continue;  // cancelled
    }
    now_ = due.when;
    const auto callback = give_up(due.place);
    ++events_;
    callback();
    run_posted();
  }
  now_ = end;
}

base::TimerId CoarseLoop::at(base::TimePoint when, std::function<void()> callback) {
  if (when - loop_.now() < kFar && !coarse_runs_) {
    return loop_.at(when, std::move(callback));
  }
  const auto ticks = (when.time_since_epoch() + kTick - base::Duration(1)) / kTick;
  return loop_.at(base::TimePoint(ticks * base::Duration(kTick)), [this, callback = std::move(callback)] {
    coarse_runs_ = true;
    callback();
    coarse_runs_ = false;
  });
}

}  // namespace hearth::sim
