#include "monitor/execution_retention.h"

#include "base/log.h"
#include "base/on_pool.h"

namespace hearth::monitor {
namespace {

constexpr std::size_t kStep = 500;
constexpr std::chrono::milliseconds kBetweenSteps{50};
constexpr std::chrono::milliseconds kBetweenLooks{10'000};

}  // namespace

void ExecutionRetention::start() { step_after(kBetweenLooks); }

void ExecutionRetention::step_after(std::chrono::milliseconds pause) {
  timer_ = parts_.loop.at(parts_.loop.now() + pause, [this] { step(); });
}

void ExecutionRetention::step() {
  const std::int64_t before_ms = parts_.unix_now_ms() - options_.age.count();
  base::on_pool<std::size_t>(
      parts_.pool, parts_.loop,
      [&store = parts_.store, before_ms, count = options_.count] {
        return store.remove_ended(before_ms, count, kStep);
      },
      [this, alive = std::weak_ptr<bool>(alive_)](const base::Result<std::size_t>& removed) {
        if (!alive.expired()) {
          stepped(removed);
        }
      });
}

void ExecutionRetention::stepped(const base::Result<std::size_t>& removed) {
  if (!removed) {
    spdlog::warn("asynchronous executions: old ones are not removed now: {}", removed.error().message);
  }
  removed_ += removed ? *removed : 0;
  step_after(removed && *removed == kStep ? kBetweenSteps : kBetweenLooks);
}

}  // namespace hearth::monitor
