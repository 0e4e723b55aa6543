// Group commit: what is submitted and settled while a commit is on its way goes into the next one, so that
// many acknowledgements share one fsync.
//
// Loop thread only. The commits are on the pool, one at a time; the next begins there, whatever the loop is
// busy with.
#pragma once

#include <functional>
#include <memory>

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

  // All outlive this, and the loop the pool; a commit that is on its way when this ends tells nobody.
  ExecutionJournal(ExecutionStore& store, base::WorkPool& pool, base::EventLoop& loop);
  ExecutionJournal(const ExecutionJournal&) = delete;
  ExecutionJournal& operator=(const ExecutionJournal&) = delete;

  void submit(NewExecution execution, OnSubmitted done);
  void settle(Settlement settlement, OnSettled done);

 private:
  struct Batch;
  using BatchPtr = std::shared_ptr<Batch>;
  class Commits;

  void commit_soon();
  static void tell(const Batch& batch, base::Result<ExecutionStore::Written> result);

  base::EventLoop& loop_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::shared_ptr<Commits> commits_;
};

}  // namespace hearth::store
