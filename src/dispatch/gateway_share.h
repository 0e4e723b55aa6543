// Which part of a limit this gateway admits, of several: told by who else there is. All together admit the
// whole limit and no more; one alone admits all of it. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "model/member.h"

namespace hearth::dispatch {

struct GatewayShare {
  std::uint32_t rank = 0;
  std::uint32_t gateways = 1;
  bool settled = true;  // the others know of this one; until then it admits nothing of a limit

  std::uint32_t of(std::uint32_t whole) const {
    return settled ? whole / gateways + (rank < whole % gateways ? 1 : 0) : 0;
  }

  bool operator==(const GatewayShare&) const = default;
};

class ShareKeeper {
 public:
  // `known_after`: within this time of its first look every other gateway counts this one in.
  ShareKeeper(std::string id, std::chrono::milliseconds known_after)
      : id_(std::move(id)), known_after_(known_after) {}

  // With each look at the members. Gateways that drain still execute, and count until they have left.
  GatewayShare look(const std::vector<model::Member>& members, base::TimePoint now);

 private:
  const std::string id_;
  const std::chrono::milliseconds known_after_;
  std::optional<base::TimePoint> first_look_;
};

// Of the memory of all workers that serve.
std::uint64_t worker_memory_mb(const std::vector<model::Member>& members);

}  // namespace hearth::dispatch
