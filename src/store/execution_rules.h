// What every execution store checks and says alike. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "store/execution_store.h"

namespace hearth::store {

// kNotFound.
base::Error no_such_execution(std::string_view id);
// kAlreadyExists.
base::Error id_is_taken(const NewExecution& execution);
base::Error key_is_taken(const NewExecution& execution);

// SHA-256 of the input, to tell by whether a submission is the same as one before; empty where there is no
// key.
std::string digest_to_compare(const NewExecution& execution);

// kInvalidArgument: no attempt ends in this state, or what follows has a key.
base::Result<void> may_settle(const Settlement& settlement);
// kBusy.
base::Result<void> may_be_cancelled(model::ExecutionState state);
base::Result<void> may_be_redriven(model::ExecutionState state);

}  // namespace hearth::store
