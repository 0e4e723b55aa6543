#include "tests/simulation/process_loop.h"

#include <utility>

namespace hearth::simulation {
namespace {

constexpr std::uint32_t kLateUs = 400;

}  // namespace

base::TimerId ProcessLoop::at(base::TimePoint when, std::function<void()> callback) {
  return alive_ ? add(when + std::chrono::microseconds(dice_.below(kLateUs)), std::move(callback)) : 0;
}

base::TimerId ProcessLoop::add(base::TimePoint when, std::function<void()> callback) {
  const base::TimerId id = ++last_;
  entries_[id] = {std::move(callback), loop_.at(when, [this, id] { due(id); })};
  return id;
}

void ProcessLoop::cancel(base::TimerId timer) {
  const auto found = entries_.extract(timer);
  if (!found.empty()) {
    loop_.cancel(found.mapped().timer);
  }
}

void ProcessLoop::post(std::function<void()> callback) {
  if (post_pause_ != base::Duration()) {
    later(post_pause_, std::move(callback));
    return;
  }
  if (alive_) {
    const base::TimerId id = ++last_;
    entries_[id] = {std::move(callback), 0};
    loop_.post([this, id] { due(id); });
  }
}

void ProcessLoop::later(base::Duration pause, std::function<void()> callback) {
  if (alive_) {
    add(loop_.now() + pause, std::move(callback));
  }
}

void ProcessLoop::run_elsewhere(base::Duration pause, const std::function<void()>& job) {
  const base::Duration before = std::exchange(post_pause_, pause);
  job();
  post_pause_ = before;
}

void ProcessLoop::go_on() {
  stopped_ = false;
  for (const base::TimerId id : std::exchange(waiting_, {})) {
    loop_.post([this, id] { due(id); });
  }
}

// What is dropped may post, or cancel, while it goes.
void ProcessLoop::kill() {
  alive_ = false;
  waiting_.clear();
  const auto dropped = std::exchange(entries_, {});
  for (const auto& [id, entry] : dropped) {
    loop_.cancel(entry.timer);
  }
}

void ProcessLoop::due(base::TimerId id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) {
    return;  // cancelled
  }
  if (stopped_) {
    waiting_.push_back(id);
    return;
  }
  const auto callback = std::move(found->second.callback);
  entries_.erase(found);
  trace_.mix(id);
  callback();
}

}  // namespace hearth::simulation
