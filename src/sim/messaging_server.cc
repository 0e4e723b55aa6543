#include "sim/messaging_server.h"

#include <algorithm>
#include <utility>

namespace hearth::sim {

std::string_view to_string(Command command) {
  switch (command) {
    case Command::kTake:
      return "take";
    case Command::kAnnounceWarm:
      return "announce_warm";
    case Command::kAnnounceCold:
      return "announce_cold";
    case Command::kAnnounceAgain:
      return "announce_again";
    case Command::kWithdraw:
      return "withdraw";
    case Command::kDemand:
      return "demand";
    case Command::kDemandAnswer:
      return "demand_answer";
    case Command::kDemandWithdrawn:
      return "demand_withdrawn";
  }
  return "unknown";
}

double MessagingServer::busy_us(const Work& work) const {
  return costs_.command_us + costs_.entry_us * static_cast<double>(work.walked) +
         costs_.delivery_us * static_cast<double>(work.deliveries);
}

base::Duration MessagingServer::spacing(const Work& work) const {
  const std::chrono::duration<double, std::micro> service(busy_us(work) / costs_.idle_share);
  return std::chrono::duration_cast<base::Duration>(service);
}

base::TimePoint MessagingServer::admit(Command command, base::TimePoint arrival, const Work& work,
                                       std::uint64_t times) {
  if (free_of_charge_) {
    return arrival;
  }
  counts_.commands[static_cast<std::size_t>(command)] += times;
  const auto each = static_cast<double>(times);
  counts_.command_us += each * costs_.command_us;
  counts_.entry_us += each * costs_.entry_us * static_cast<double>(work.walked);
  counts_.delivery_us += each * costs_.delivery_us * static_cast<double>(work.deliveries);
  const base::TimePoint begins = std::max(arrival, free_at_);
  free_at_ = begins + static_cast<std::int64_t>(times) * spacing(work);
  return begins + spacing(work);
}

void MessagingServer::push_warm(const model::VersionId& version, const model::Allocation& allocation) {
  auto& stack = warm_[version];
  std::erase_if(stack, [&](const model::Allocation& entry) {
    return entry.instance == allocation.instance && entry.slot == allocation.slot;
  });
  stack.push_back(allocation);
}

std::optional<messaging::Taken> MessagingServer::take(const model::VersionId& version,
                                                      std::uint32_t memory_mb) {
  if (const auto stack = warm_.find(version); stack != warm_.end()) {
    messaging::Taken taken{std::move(stack->second.back()), messaging::Source::kWarm};
    stack->second.pop_back();
    if (stack->second.empty()) {
      warm_.erase(stack);
    }
    return taken;
  }
  if (memory_mb == messaging::kWarmOnly) {
    return std::nullopt;
  }
  auto cold = cold_.take(memory_mb);
  return cold ? std::optional(messaging::Taken{std::move(*cold), messaging::Source::kCold}) : std::nullopt;
}

void MessagingServer::withdraw(const model::VersionId& version, const std::string& instance) {
  if (version.empty()) {
    cold_.erase(instance);
    return;
  }
  const auto stack = warm_.find(version);
  if (stack == warm_.end()) {
    return;
  }
  std::erase_if(stack->second, [&](const model::Allocation& entry) { return entry.instance == instance; });
  if (stack->second.empty()) {
    warm_.erase(stack);
  }
}

std::size_t MessagingServer::walked_by_take(const model::VersionId& version, std::uint32_t memory_mb) const {
  const bool warm = warm_.contains(version);
  return warm || memory_mb == messaging::kWarmOnly ? 0 : cold_.walked_for(memory_mb);
}

std::size_t MessagingServer::walked_by_announce(const model::VersionId& version) const {
  if (version.empty()) {
    return cold_.size();
  }
  const auto stack = warm_.find(version);
  return stack == warm_.end() ? 0 : stack->second.size();
}

}  // namespace hearth::sim
