#include "messaging/inproc/inproc_messaging.h"

#include <algorithm>
#include <utility>

namespace hearth::messaging {

void InprocMessaging::announce_warm(const model::VersionId& version, const model::Allocation& allocation) {
  warm_[version].push_back(allocation);
  if (wake_up_) {
    wake_up_(version);
  }
}

void InprocMessaging::announce_cold(const model::Allocation& allocation) {
  cold_.push_back(allocation);
  if (wake_up_) {
    wake_up_({});
  }
}

void InprocMessaging::withdraw(const model::VersionId& version, const std::string& instance) {
  const auto is_instance = [&](const model::Allocation& entry) { return entry.instance == instance; };
  std::erase_if(cold_, is_instance);
  const auto stack = warm_.find(version);
  if (stack == warm_.end()) {
    return;
  }
  std::erase_if(stack->second, is_instance);
  if (stack->second.empty()) {
    warm_.erase(stack);
  }
}

std::optional<Taken> InprocMessaging::take_now(const model::VersionId& version, std::uint32_t memory_mb) {
  if (const auto stack = warm_.find(version); stack != warm_.end()) {
    Taken taken{std::move(stack->second.back()), Source::kWarm};
    stack->second.pop_back();
    if (stack->second.empty()) {
      warm_.erase(stack);
    }
    return taken;
  }
  const auto fits = std::find_if(cold_.begin(), cold_.end(), [&](const model::Allocation& entry) {
    return entry.memory_mb >= memory_mb;
  });
  if (fits == cold_.end()) {
    return std::nullopt;
  }
  Taken taken{std::move(*fits), Source::kCold};
  cold_.erase(fits);
  return taken;
}

void InprocMessaging::take(const model::VersionId& version, std::uint32_t memory_mb, Reach /*reach*/,
                           std::function<void(std::optional<Taken>)> done) {
  done(take_now(version, memory_mb));
}

void InprocMessaging::drop_version(const model::VersionId& version) {
  warm_.erase(version);
  for (auto* subscriber : subscribers_) {
    subscriber->on_version_dropped(version);
  }
}

void InprocMessaging::demand(const Demand& demand, std::function<void(bool)> done) {
  bool coming = false;
  for (auto* subscriber : subscribers_) {
    if (subscriber->on_demand(demand)) {
      coming = true;
      break;
    }
  }
  done(coming);
}

void InprocMessaging::withdraw_demand(std::uint64_t demand_id) {
  for (auto* subscriber : subscribers_) {
    subscriber->on_demand_withdrawn(demand_id);
  }
}

}  // namespace hearth::messaging
