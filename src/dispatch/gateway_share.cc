#include "dispatch/gateway_share.h"

#include <algorithm>
#include <numeric>

namespace hearth::dispatch {
namespace {

bool is_gateway(const model::Member& member) {
  const bool role = member.role == model::MemberRole::kServe || member.role == model::MemberRole::kGateway;
  return role && member.state != model::MemberState::kLeft;
}

}  // namespace

GatewayShare ShareKeeper::look(const std::vector<model::Member>& members, base::TimePoint now) {
  GatewayShare share;
  for (const model::Member& member : members) {
    if (is_gateway(member) && member.id != id_) {
      ++share.gateways;
      share.rank += member.id < id_ ? 1 : 0;
    }
  }
  if (!first_look_) {
    // Who is alone then has nobody to wait for: those that come later wait for this one.
    first_look_ = share.gateways == 1 ? now - known_after_ : now;
  }
  share.settled = now - *first_look_ >= known_after_;
  return share;
}

std::uint64_t worker_memory_mb(const std::vector<model::Member>& members) {
  return std::accumulate(members.begin(), members.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const model::Member& member) {
                           const bool serves = member.state == model::MemberState::kServing && member.worker;
                           return sum + (serves ? member.worker->memory_total_mb : 0);
                         });
}

}  // namespace hearth::dispatch
