#include "store/execution_rules.h"

#include "base/sha256.h"

namespace hearth::store {

using base::Error;
using base::ErrorCode;
using model::ExecutionState;

Error no_such_execution(std::string_view id) {
  return {ErrorCode::kNotFound, "there is no execution \"" + std::string(id) + "\""};
}

Error id_is_taken(const NewExecution& execution) {
  return {ErrorCode::kAlreadyExists, "there is an execution with the id " + execution.id};
}

Error key_is_taken(const NewExecution& execution) {
  return {ErrorCode::kAlreadyExists, "the idempotency key \"" + execution.idempotency_key +
                                         "\" has been used with another input or version"};
}

std::string digest_to_compare(const NewExecution& execution) {
  if (execution.idempotency_key.empty()) {
    return {};
  }
  base::Sha256 digest;
  digest.add(*execution.input);
  return digest.finish();
}

base::Result<void> may_settle(const Settlement& settlement) {
  const ExecutionState state = settlement.state;
  if (state != ExecutionState::kPending && state != ExecutionState::kDone && state != ExecutionState::kDead) {
    return Error{ErrorCode::kInvalidArgument, "no attempt ends as " + std::string(to_string(state))};
  }
  for (const NewExecution& execution : settlement.follow_ups) {
    if (!execution.idempotency_key.empty()) {
      return Error{ErrorCode::kInvalidArgument, "what follows a settlement has no idempotency key"};
    }
  }
  return {};
}

base::Result<void> may_be_cancelled(ExecutionState state) {
  if (!has_ended(state)) {
    return {};
  }
  return Error{ErrorCode::kBusy, "it has ended already: it is " + std::string(to_string(state))};
}

base::Result<void> may_be_redriven(ExecutionState state) {
  if (state == ExecutionState::kDead || state == ExecutionState::kCancelled) {
    return {};
  }
  return Error{ErrorCode::kBusy,
               "only what is dead or cancelled is redriven: it is " + std::string(to_string(state))};
}

}  // namespace hearth::store
