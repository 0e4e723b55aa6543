#include "membership/heartbeat.h"

#include <algorithm>
#include <utility>

namespace hearth::membership {
namespace {

constexpr std::chrono::milliseconds kLongestInterval{1'000};
constexpr int kBeatsWithinTimeout = 5;

}  // namespace

std::chrono::milliseconds heartbeat_interval(std::chrono::milliseconds worker_timeout) {
  return std::clamp(worker_timeout / kBeatsWithinTimeout, std::chrono::milliseconds(1), kLongestInterval);
}

Heartbeat::Heartbeat(CardMaker cards, std::chrono::milliseconds interval, HeartbeatParts parts)
    : cards_(std::move(cards)), interval_(interval), parts_(std::move(parts)) {}

Heartbeat::~Heartbeat() { parts_.loop.cancel(timer_); }

void Heartbeat::start() {
  beat();
  beat_soon();
}

void Heartbeat::beat_soon() {
  timer_ = parts_.loop.at(parts_.loop.now() + interval_, [this] {
    beat_soon();
    beat();
  });
}

void Heartbeat::beat() {
  const std::weak_ptr<bool> alive = alive_;
  parts_.load([this, alive](Load load) {
    if (!alive.expired()) {
      publish(std::move(load), [] {});
    }
  });
  if (!parts_.looked) {
    return;
  }
  parts_.directory.list([this, alive](const base::Result<std::vector<model::Member>>& members) {
    if (!alive.expired() && members) {
      parts_.looked(*members);
    }
  });
}

void Heartbeat::publish(Load load, std::function<void()> done) {
  const std::weak_ptr<bool> alive = alive_;
  parts_.directory.publish(cards_.make(std::move(load), parts_.loop.now()),
                           [this, alive, done = std::move(done)](const base::Result<bool>& known) {
                             if (!alive.expired()) {
                               published(known);
                               done();
                             }
                           });
}

// Only who was known before can have been forgotten.
void Heartbeat::published(const base::Result<bool>& known) {
  if (!known || left_) {
    return;
  }
  if (std::exchange(was_known_, true) && !*known && parts_.forgotten) {
    parts_.forgotten();
  }
}

void Heartbeat::drain() {
  cards_.set_state(model::MemberState::kDraining);
  beat();
}

void Heartbeat::leave(std::function<void()> done) {
  left_ = true;
  parts_.loop.cancel(std::exchange(timer_, 0));
  cards_.set_state(model::MemberState::kLeft);
  publish({}, std::move(done));
}

}  // namespace hearth::membership
