#include "sim/cold_queue.h"

#include <algorithm>
#include <iterator>

namespace hearth::sim {
namespace {

constexpr std::size_t kReadAtOnce = 100;

}  // namespace

void ColdQueue::push(const model::Allocation& allocation) {
  erase(allocation.instance);
  const std::uint64_t order = ++last_;
  by_memory_[allocation.memory_mb].emplace(order, allocation);
  by_instance_.emplace(allocation.instance, std::pair(allocation.memory_mb, order));
}

void ColdQueue::erase(const std::string& instance) {
  const auto found = by_instance_.find(instance);
  if (found == by_instance_.end()) {
    return;
  }
  const auto entries = by_memory_.find(found->second.first);
  entries->second.erase(found->second.second);
  if (entries->second.empty()) {
    by_memory_.erase(entries);
  }
  by_instance_.erase(found);
}

std::map<std::uint32_t, ColdQueue::Entries>::const_iterator ColdQueue::oldest_that_fits(
    std::uint32_t memory_mb) const {
  const auto order = [](const auto& entries) { return entries.second.begin()->first; };
  return std::min_element(by_memory_.lower_bound(memory_mb), by_memory_.end(),
                          [&](const auto& a, const auto& b) { return order(a) < order(b); });
}

std::optional<model::Allocation> ColdQueue::take(std::uint32_t memory_mb) {
  const auto fits = oldest_that_fits(memory_mb);
  if (fits == by_memory_.end()) {
    return std::nullopt;
  }
  model::Allocation taken = fits->second.begin()->second;
  erase(taken.instance);
  return taken;
}

std::size_t ColdQueue::walked_for(std::uint32_t memory_mb) const {
  const auto fits = oldest_that_fits(memory_mb);
  if (fits == by_memory_.end()) {
    return size();
  }
  const std::uint64_t order = fits->second.begin()->first;
  std::size_t before = 0;
  for (auto smaller = by_memory_.begin(); smaller->first < memory_mb; ++smaller) {
    const Entries& entries = smaller->second;
    // Most often all of them are older, or none is.
    const bool all = entries.rbegin()->first < order;
    before += all ? entries.size()
                  : static_cast<std::size_t>(std::distance(entries.begin(), entries.lower_bound(order)));
  }
  return std::min(size(), (before / kReadAtOnce + 1) * kReadAtOnce);
}

}  // namespace hearth::sim
