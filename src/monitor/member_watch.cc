#include "monitor/member_watch.h"

#include <algorithm>
#include <utility>

namespace hearth::monitor {

using model::Member;
using model::MemberState;

std::string_view to_string(MemberFate fate) {
  switch (fate) {
    case MemberFate::kCame:
      return "is there";
    case MemberFate::kDrains:
      return "is about to leave";
    case MemberFate::kLeft:
      return "has left";
    case MemberFate::kLost:
      return "is lost";
  }
  return "";
}

void MemberWatch::see(const Member& member, std::vector<MemberEvent>& events) {
  const auto known = known_.find(member.id);
  if (member.state == MemberState::kLeft) {
    if (known != known_.end()) {
      events.push_back({MemberFate::kLeft, std::move(known->second.member)});
      known_.erase(known);
    }
    return;
  }
  const bool drained = known != known_.end() && known->second.member.state == MemberState::kDraining;
  if (known == known_.end()) {
    events.push_back({MemberFate::kCame, member});
  }
  if (member.state == MemberState::kDraining && !drained) {
    events.push_back({MemberFate::kDrains, member});
  }
  known_[member.id] = {member, 0, true};
}

std::vector<MemberEvent> MemberWatch::look(const std::vector<Member>& members) {
  std::vector<MemberEvent> events;
  for (auto& [id, known] : known_) {
    known.seen = false;
  }
  for (const Member& member : members) {
    see(member, events);
  }
  for (auto known = known_.begin(); known != known_.end();) {
    const bool missing = !known->second.seen;
    if (!missing || ++known->second.missed < kMissedLooksOfTheLost) {
      ++known;
      continue;
    }
    MemberEvent event{MemberFate::kLost, std::move(known->second.member)};
    known = known_.erase(known);
    event.uri_is_free = event.member.worker && !event.member.uri.empty() &&
                        std::ranges::none_of(known_, [&event](const auto& other) {
                          return other.second.member.uri == event.member.uri;
                        });
    events.push_back(std::move(event));
  }
  return events;
}

}  // namespace hearth::monitor
