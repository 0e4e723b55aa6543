// What those who ask for asynchronous executions have written down, held against what a store says
// afterwards: none is lost, none is made up, and each ended as its end was acknowledged. Tests only; pure,
// one thread.
//
// Every request has a word of its own, which its execution shows again.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/async_execution.h"

namespace hearth::store {

// How an execution ended; that it is still to be executed is no end.
struct ExecutionEnd {
  model::ExecutionState state = model::ExecutionState::kDone;
  std::string output;  // of kDone

  bool operator==(const ExecutionEnd&) const = default;
};

struct StoredExecution {
  model::AsyncExecution execution;
  std::optional<std::string> word;  // from its input, or from its output; nothing: it was not looked at
};

class ExecutionHistory {
 public:
  struct Known {
    std::string word;
    std::optional<ExecutionEnd> end;
    bool may_change = false;  // whether and how it ended is not known
    bool may_be_gone = false;
  };

  // From here on the store may have it.
  void asked(const std::string& word) { unanswered_.insert(word); }
  // Its acknowledgement has arrived.
  void accepted(const model::ExecutionId& id, const std::string& word);
  // From here on its end may be another one.
  void may_change(const model::ExecutionId& id) { known_.at(id).may_change = true; }
  // This is how it ended, or that it is to be executed.
  void stands(const model::ExecutionId& id, std::optional<ExecutionEnd> end);
  void may_be_gone(const model::ExecutionId& id) { known_.at(id).may_be_gone = true; }
  void stays(const model::ExecutionId& id) { known_.at(id).may_be_gone = false; }
  void removed(const model::ExecutionId& id) { known_.erase(id); }

  const std::map<model::ExecutionId, Known>& known() const { return known_; }

  // A sentence each; nothing: all is as it must be. `stored` is everything that the store has.
  std::vector<std::string> violations(const std::vector<StoredExecution>& stored) const;

 private:
  std::map<model::ExecutionId, Known> known_;
  std::set<std::string> unanswered_;  // words
};

// What is wrong with an execution whatever was asked for; empty: nothing. Whoever settled it must have begun
// after every attempt before was given up: only the holder of the current lease settles.
std::string violation_in(const model::AsyncExecution& execution);

}  // namespace hearth::store
