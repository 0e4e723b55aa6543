// Group commit: what is submitted and settled while a commit is on its way goes into the next one, so that
// many acknowledgements share one fsync.
//
// Loop thread only; the commits are on the pool, one at a time.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/event_loop.h"
#include "base/work_pool.h"
#include "store/execution_store.h"

namespace hearth::store {

class ExecutionJournal {
 public:
  // Called on the loop, never inside the call, when it is durable, or an error when it is not. kExhausted:
  // the pool has no place, and nothing was tried.
  using OnSubmitted = std::function<void(base::Result<Submitted>)>;
  // False: the lease was not the current one.
  using OnSettled = std::function<void(base::Result<bool>)>;

  // All outlive this; a commit that is on its way when this ends tells nobody.
  ExecutionJournal(ExecutionStore& store, base::WorkPool& pool, base::EventLoop& loop)
      : store_(store), pool_(pool), loop_(loop) {}
  ExecutionJournal(const ExecutionJournal&) = delete;
  ExecutionJournal& operator=(const ExecutionJournal&) = delete;

  void submit(NewExecution execution, OnSubmitted done);
  void settle(Settlement settlement, OnSettled done);

 private:
  struct Batch {
    ExecutionStore::Writes writes;
    std::vector<OnSubmitted> submitted;
    std::vector<OnSettled> settled;
  };

  void commit_soon();
  void commit();
  void committed(const Batch& batch, base::Result<ExecutionStore::Written> result);

  ExecutionStore& store_;
  base::WorkPool& pool_;
  base::EventLoop& loop_;
  Batch next_;
  bool committing_ = false;  // or about to
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace hearth::store
