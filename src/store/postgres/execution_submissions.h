// Submissions of executions within a transaction.
#pragma once

#include <vector>

#include "base/result.h"
#include "store/execution_store.h"
#include "store/postgres/transaction.h"

namespace hearth::store::postgres {

// One result each, as ExecutionStore::Written has it.
base::Result<std::vector<base::Result<Submitted>>> submit(Transaction& transaction,
                                                          const std::vector<NewExecution>& executions);

// The same of those without keys, that come with something else: one that is not accepted is an error for
// all.
base::Result<void> accept_all(Transaction& transaction, const std::vector<NewExecution>& executions);

}  // namespace hearth::store::postgres
