#include "store/execution_journal.h"

#include <utility>

#include "base/on_pool.h"

namespace hearth::store {

void ExecutionJournal::submit(NewExecution execution, OnSubmitted done) {
  next_.writes.submissions.push_back(std::move(execution));
  next_.submitted.push_back(std::move(done));
  commit_soon();
}

void ExecutionJournal::settle(Settlement settlement, OnSettled done) {
  next_.writes.settlements.push_back(std::move(settlement));
  next_.settled.push_back(std::move(done));
  commit_soon();
}

// What else this turn of the loop has goes with it.
void ExecutionJournal::commit_soon() {
  if (committing_) {
    return;
  }
  committing_ = true;
  loop_.post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) {
      commit();
    }
  });
}

void ExecutionJournal::commit() {
  auto batch = std::make_shared<Batch>(std::exchange(next_, {}));
  using Written = ExecutionStore::Written;
  base::on_pool<Written>(
      pool_, loop_, [&store = store_, batch] { return store.write(batch->writes); },
      [this, batch, alive = std::weak_ptr<bool>(alive_)](base::Result<Written> result) {
        if (!alive.expired()) {
          committed(*batch, std::move(result));
        }
      });
}

void ExecutionJournal::committed(const Batch& batch, base::Result<ExecutionStore::Written> result) {
  committing_ = false;
  if (!next_.submitted.empty() || !next_.settled.empty()) {
    committing_ = true;
    commit();
  }
  for (std::size_t i = 0; i < batch.submitted.size(); ++i) {
    batch.submitted[i](result ? std::move(result->submitted[i]) : result.error());
  }
  for (std::size_t i = 0; i < batch.settled.size(); ++i) {
    batch.settled[i](result ? base::Result<bool>(result->settled[i]) : result.error());
  }
}

}  // namespace hearth::store
