// Accepts asynchronous executions, and shows and changes them: bounds, group commit, and the way to whoever
// executes them. On the first loop; the store's work is on the pool.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "base/random.h"
#include "base/work_pool.h"
#include "gateway/backlog.h"
#include "gateway/executions.h"
#include "store/execution_journal.h"

namespace hearth::gateway {

struct ExecutionsParts {
  store::ExecutionStore& store;
  store::ExecutionJournal& journal;
  base::WorkPool& pool;
  base::EventLoop& loop;
  base::Random& random;
  // Whoever executes them: may take one that is about to be durable (then it has a lease), is told whether it
  // was accepted, which others are pending now, and that there is something to be looked for.
  std::function<bool(store::NewExecution&)> take;
  std::function<void(const store::NewExecution&, bool accepted)> taken;
  std::function<void(const store::NewExecution&)> pending;
  std::function<void(model::ExecutionKind)> wake;
  std::function<std::int64_t()> unix_now_ms;  // on any thread
  // What the store has room for, in bytes; nothing: not known. May block. Empty: nobody knows.
  std::function<std::optional<std::uint64_t>()> room{};
};

struct ExecutionsCounts {
  std::uint64_t accepted = 0;
  std::uint64_t repeated = 0;  // by their key
  std::uint64_t cancelled = 0;
};

class ExecutionsApi final : public Executions {
 public:
  ExecutionsApi(BacklogLimits limits, ExecutionsParts parts);
  ExecutionsApi(const ExecutionsApi&) = delete;
  ExecutionsApi& operator=(const ExecutionsApi&) = delete;
  ~ExecutionsApi() override {
    parts_.loop.cancel(count_timer_);
    parts_.loop.cancel(disk_timer_);
  }

  // Counts what there is. Blocks; before the loop runs.
  base::Result<void> open();
  // From now on it is asked again and again what there is room for.
  void watch_disk();
  // Other processes change the store: from now on it is counted again and again.
  void count_again();

  void submit(Submission submission, Submitted done) override;
  void find(const model::ExecutionId& id, Found done) override;
  void list(const store::ExecutionFilter& filter, Listed done) override;
  void cancel(const model::ExecutionId& id, Found done) override;
  void redrive(const model::ExecutionId& id, Found done) override;
  void redrive_dead(const model::FunctionId& function_id, Redriven done) override;

  // The end of another has brought it with it.
  void followed(const model::FunctionId& function, std::uint64_t input_bytes) {
    backlog_.add(function, 1, input_bytes);
  }
  // One more that comes by another way than submit(): empty, or why not. withdraw(): it does not come after
  // all. came(): so many are pending now.
  std::string admit(const model::FunctionId& function, std::uint64_t input_bytes);
  void withdraw(const model::FunctionId& function, std::uint64_t input_bytes) {
    backlog_.remove(function, input_bytes);
  }
  void came(std::size_t executions);

  // One has ended for good.
  void ended(const model::FunctionId& function, std::uint64_t input_bytes) {
    backlog_.remove(function, input_bytes);
  }

  const Backlog& backlog() const { return backlog_; }
  const ExecutionsCounts& counts() const { return counts_; }

 private:
  void submitted(const store::NewExecution& execution, bool taken,
                 const base::Result<store::Submitted>& result, const Submitted& done);
  void redrive_more(const model::FunctionId& function_id, std::size_t before, Redriven done);
  template <typename Value, typename Work>
  void on_pool(Work work, std::function<void(ApiResult<Value>)> done);

  const ExecutionsParts parts_;
  Backlog backlog_;
  ExecutionsCounts counts_;
  base::TimerId count_timer_ = 0;
  base::TimerId disk_timer_ = 0;
};

}  // namespace hearth::gateway
