#include "monitor/execution_retention.h"

#include "base/bring_back.h"
#include "base/log.h"

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
  auto told = base::bring_back(
      parts_.loop,
      std::function([this, alive = std::weak_ptr<bool>(alive_)](base::Result<std::size_t> removed) {
        if (!alive.expired()) {
          stepped(removed);
        }
      }));
  auto job = [&store = parts_.store, before = parts_.unix_now_ms() - options_.age.count(),
              count = options_.count, told] { told(store.remove_ended(before, count, kStep)); };
  if (auto taken = parts_.pool.submit(std::move(job)); !taken) {
    told(taken.error());
  }
}

void ExecutionRetention::stepped(const base::Result<std::size_t>& removed) {
  if (!removed) {
    spdlog::warn("asynchronous executions: old ones are not removed now: {}", removed.error().message);
  }
  removed_ += removed ? *removed : 0;
  step_after(removed && *removed == kStep ? kBetweenSteps : kBetweenLooks);
}

}  // namespace hearth::monitor
