// What the programs share that measure how many executions a second a store makes durable. Not for
// production.
#pragma once

#include "store/execution_store.h"

namespace hearth::store {

// In batches of 64: accepted, accepted as running, settled and claimed, first with an empty store and then
// with many that have ended. Ends the program when the store fails.
void print_execution_rates(ExecutionStore& store);

}  // namespace hearth::store
