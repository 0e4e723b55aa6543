#include "tests/faults/change_history.h"

#include <algorithm>

namespace hearth::faults {

void ChangeHistory::asked(const std::string& target, const std::string& answer, Clock::time_point when) {
  changes_[target].push_back({answer, when});
}

void ChangeHistory::acknowledged(const std::string& target, Clock::time_point when) {
  changes_.at(target).back().acknowledged = when;
}

// The last that was acknowledged before the call began, and all that were asked for until it ended.
std::vector<ChangeHistory::Change> ChangeHistory::seen_between(const std::string& target,
                                                               Clock::time_point began,
                                                               Clock::time_point ended) const {
  std::vector<Change> seen{{kGone, Clock::time_point::min(), Clock::time_point::min()}};
  const auto changes = changes_.find(target);
  if (changes == changes_.end()) {
    return seen;
  }
  for (const Change& change : changes->second) {
    if (change.acknowledged <= began) {
      seen.clear();
    }
    if (change.asked <= ended) {
      seen.push_back(change);
    }
  }
  return seen;
}

std::string ChangeHistory::violation(const Call& call) const {
  std::string right;
  for (const Change& change : seen_between(call.target, call.began, call.ended)) {
    if (change.answer == call.answer) {
      return {};
    }
    right += (right.empty() ? "" : " or ") + change.answer;
  }
  return call.target + " answers " + call.answer + " instead of " + right;
}

std::string ChangeHistory::violation_later(const Call& call) const {
  std::string right;
  for (const Change& change : seen_between(call.target, call.began, Clock::time_point::max())) {
    if (change.answer == call.answer) {
      return {};
    }
    if (change.answer == kGone && change.asked > call.ended) {
      break;  // what comes then is another function
    }
    right += (right.empty() ? "" : " or ") + change.answer;
  }
  return call.target + " executes as " + call.answer + " instead of " + right;
}

}  // namespace hearth::faults
