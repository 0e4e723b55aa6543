#include "store/execution_journal.h"

#include <mutex>
#include <utility>
#include <vector>

namespace hearth::store {
namespace {

// Then the pool has its thread back for a moment: a long stream of commits keeps no other work waiting.
constexpr int kCommitsInTurn = 16;

}  // namespace

struct ExecutionJournal::Batch {
  ExecutionStore::Writes writes;
  std::vector<OnSubmitted> submitted;
  std::vector<OnSettled> settled;
};

// What is to be written, shared by the loop that adds to it and the pool that takes from it. Kept by the job
// that writes: the journal may end before.
class ExecutionJournal::Commits : public std::enable_shared_from_this<Commits> {
 public:
  using Written = ExecutionStore::Written;
  // On whatever thread has written. The batch is handed over: what waits for it is of the loop.
  using Told = std::function<void(BatchPtr&&, base::Result<Written>)>;

  Commits(ExecutionStore& store, base::WorkPool& pool, Told told)
      : store_(store), pool_(pool), told_(std::move(told)) {}

  // `add` adds to the next batch. True: nobody is about to write it.
  template <typename Add>
  bool add(Add add) {
    const std::lock_guard lock(mutex_);
    if (!next_) {
      next_ = std::make_shared<Batch>();
    }
    add(*next_);
    return !std::exchange(busy_, true);
  }

  void begin() {
    if (auto taken = pool_.submit([self = shared_from_this()] { self->write(); }); !taken) {
      told_(take(/*still_busy=*/false), taken.error());
    }
  }

 private:
  BatchPtr take(bool still_busy) {
    const std::lock_guard lock(mutex_);
    busy_ = still_busy;
    return std::exchange(next_, nullptr);
  }
  bool has_more() {
    const std::lock_guard lock(mutex_);
    busy_ = next_ != nullptr;
    return busy_;
  }
  void write() {
    for (int i = 0; i < kCommitsInTurn; ++i) {
      BatchPtr batch = take(/*still_busy=*/true);
      auto result = store_.write(batch->writes);
      told_(std::move(batch), std::move(result));
      if (!has_more()) {
        return;
      }
    }
    begin();
  }

  ExecutionStore& store_;
  base::WorkPool& pool_;
  const Told told_;
  std::mutex mutex_;
  BatchPtr next_;      // guarded by mutex_
  bool busy_ = false;  // guarded by mutex_: somebody writes, or is about to
};

ExecutionJournal::ExecutionJournal(ExecutionStore& store, base::WorkPool& pool, base::EventLoop& loop)
    : loop_(loop) {
  auto told = [&loop, alive = std::weak_ptr<bool>(alive_)](BatchPtr&& batch,
                                                           base::Result<Commits::Written> written) {
    auto result = std::make_shared<base::Result<Commits::Written>>(std::move(written));
    loop.post([alive, result, batch = std::move(batch)] {
      if (!alive.expired()) {
        tell(*batch, std::move(*result));
      }
    });
  };
  commits_ = std::make_shared<Commits>(store, pool, std::move(told));
}

void ExecutionJournal::submit(NewExecution execution, OnSubmitted done) {
  const bool begin = commits_->add([&](Batch& batch) {
    batch.writes.submissions.push_back(std::move(execution));
    batch.submitted.push_back(std::move(done));
  });
  if (begin) {
    commit_soon();
  }
}

void ExecutionJournal::settle(Settlement settlement, OnSettled done) {
  const bool begin = commits_->add([&](Batch& batch) {
    batch.writes.settlements.push_back(std::move(settlement));
    batch.settled.push_back(std::move(done));
  });
  if (begin) {
    commit_soon();
  }
}

// What else this turn of the loop has goes with it.
void ExecutionJournal::commit_soon() {
  loop_.post([commits = commits_] { commits->begin(); });
}

void ExecutionJournal::tell(const Batch& batch, base::Result<ExecutionStore::Written> result) {
  for (std::size_t i = 0; i < batch.submitted.size(); ++i) {
    batch.submitted[i](result ? std::move(result->submitted[i]) : result.error());
  }
  for (std::size_t i = 0; i < batch.settled.size(); ++i) {
    batch.settled[i](result ? base::Result<bool>(result->settled[i]) : result.error());
  }
}

}  // namespace hearth::store
