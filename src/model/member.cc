#include "model/member.h"

#include <algorithm>
#include <array>

namespace hearth::model {
namespace {

constexpr std::array kRoles = {MemberRole::kServe, MemberRole::kGateway, MemberRole::kWorker,
                               MemberRole::kMonitor, MemberRole::kOther};
constexpr std::array kStates = {MemberState::kServing, MemberState::kDraining, MemberState::kLeft};

}  // namespace

std::string_view to_string(MemberRole role) {
  switch (role) {
    case MemberRole::kServe:
      return "serve";
    case MemberRole::kGateway:
      return "gateway";
    case MemberRole::kWorker:
      return "worker";
    case MemberRole::kMonitor:
      return "monitor";
    case MemberRole::kOther:
      return "other";
  }
  return "other";
}

MemberRole member_role(std::string_view text) {
  const auto* const found =
      std::ranges::find_if(kRoles, [text](MemberRole role) { return to_string(role) == text; });
  return found == kRoles.end() ? MemberRole::kOther : *found;
}

std::string_view to_string(MemberState state) {
  switch (state) {
    case MemberState::kServing:
      return "serving";
    case MemberState::kDraining:
      return "draining";
    case MemberState::kLeft:
      return "left";
  }
  return "serving";
}

MemberState member_state(std::string_view text) {
  const auto* const found =
      std::ranges::find_if(kStates, [text](MemberState state) { return to_string(state) == text; });
  return found == kStates.end() ? MemberState::kServing : *found;
}

}  // namespace hearth::model
