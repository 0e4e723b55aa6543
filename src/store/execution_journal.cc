#include "store/execution_journal.h"

#include <utility>

#include "base/bring_back.h"

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
  using Result = base::Result<ExecutionStore::Written>;
  auto told = base::bring_back(
      loop_, std::function([this, batch, alive = std::weak_ptr<bool>(alive_)](Result result) {
        if (!alive.expired()) {
          committed(*batch, std::move(result));
        }
      }));
  auto job = [&store = store_, batch, told] { told(store.write(batch->writes)); };
  if (auto taken = pool_.submit(std::move(job)); !taken) {
    told(taken.error());
  }
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
