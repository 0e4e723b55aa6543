// Settlements of executions within a transaction.
#pragma once

#include <vector>

#include "base/result.h"
#include "store/execution_store.h"
#include "store/postgres/transaction.h"

namespace hearth::store::postgres {

// One each, as ExecutionStore::Written has it. kInvalidArgument: no attempt ends so.
base::Result<std::vector<bool>> settle(Transaction& transaction, const std::vector<Settlement>& settlements);

}  // namespace hearth::store::postgres
