// One messaging server's cold queue, oldest first, found by size and by instance without a walk; and how far
// a server that keeps it as a list walks for the same. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "model/allocation.h"

namespace hearth::sim {

class ColdQueue {
 public:
  // At the end; an older entry of the same instance goes.
  void push(const model::Allocation& allocation);
  void erase(const std::string& instance);
  // The oldest of at least `memory_mb`.
  std::optional<model::Allocation> take(std::uint32_t memory_mb);

  std::size_t size() const { return by_instance_.size(); }
  // Entries that a list is read for, to find that one: by the hundred, as messaging/redis/scripts.h does.
  std::size_t walked_for(std::uint32_t memory_mb) const;

 private:
  // Of one size, by their order of arrival.
  using Entries = std::map<std::uint64_t, model::Allocation>;

  // The entries among which the oldest that fits is the first; end(): there is none.
  std::map<std::uint32_t, Entries>::const_iterator oldest_that_fits(std::uint32_t memory_mb) const;

  std::map<std::uint32_t, Entries> by_memory_;  // none is empty
  std::unordered_map<std::string, std::pair<std::uint32_t, std::uint64_t>> by_instance_;
  std::uint64_t last_ = 0;
};

}  // namespace hearth::sim
