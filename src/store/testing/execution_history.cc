#include "store/testing/execution_history.h"

namespace hearth::store {

using model::AsyncExecution;
using model::ExecutionState;

namespace {

std::string state_of(const std::optional<ExecutionEnd>& end) {
  return end ? std::string(model::to_string(end->state)) + " " + end->output : "not ended";
}

std::optional<ExecutionEnd> end_of(const AsyncExecution& execution) {
  if (!model::has_ended(execution.state)) {
    return std::nullopt;
  }
  return ExecutionEnd{execution.state, execution.result.output};
}

}  // namespace

void ExecutionHistory::accepted(const model::ExecutionId& id, const std::string& word) {
  unanswered_.erase(word);
  known_.try_emplace(id, Known{word, std::nullopt});
}

void ExecutionHistory::stands(const model::ExecutionId& id, std::optional<ExecutionEnd> end) {
  Known& known = known_.at(id);
  known.end = std::move(end);
  known.may_change = false;
}

std::vector<std::string> ExecutionHistory::violations(const std::vector<StoredExecution>& stored) const {
  std::vector<std::string> found;
  std::set<std::string> ids;
  std::set<std::string> words;
  for (const auto& [execution, word] : stored) {
    if (!ids.insert(execution.id).second) {
      found.push_back("there twice: " + execution.id);
    }
    if (word && !words.insert(*word).second) {
      found.push_back("executed for a request that has an execution: " + execution.id + ", of " + *word);
    }
    if (const std::string wrong = violation_in(execution); !wrong.empty()) {
      found.push_back(wrong + ": " + execution.id);
    }
    const auto known = known_.find(execution.id);
    if (known == known_.end()) {
      if (word && !unanswered_.contains(*word)) {
        found.push_back("made up: " + execution.id + ", of " + *word);
      }
      continue;
    }
    if (word && *word != known->second.word) {
      found.push_back("another's: " + execution.id + ", of " + *word + " instead of " + known->second.word);
    }
    if (known->second.end && !known->second.may_change && end_of(execution) != known->second.end) {
      found.push_back("its end is lost: " + execution.id + ", which was " + state_of(known->second.end) +
                      " and is " + state_of(end_of(execution)));
    }
  }
  for (const auto& [id, known] : known_) {
    if (!ids.contains(id) && !known.may_be_gone) {
      found.push_back("lost: " + id + ", of " + known.word);
    }
  }
  return found;
}

std::string violation_in(const AsyncExecution& execution) {
  std::uint32_t last = 0;
  for (const model::FailedAttempt& attempt : execution.attempts) {
    if (attempt.number <= last) {
      return "its attempts are not in order";
    }
    last = attempt.number;
    if (execution.state == ExecutionState::kDone && execution.started_ms < attempt.ended_ms) {
      return "settled by one who had lost its lease";
    }
  }
  if (model::has_ended(execution.state) != (execution.ended_ms != 0)) {
    return "its state and its end do not agree";
  }
  if (execution.state == ExecutionState::kDead && execution.result.error_code.empty()) {
    return "dead without a reason";
  }
  return {};
}

}  // namespace hearth::store
