// Asynchronous executions as the gateway accepts, shows and changes them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "gateway/function_changes.h"
#include "model/async_execution.h"
#include "store/execution_store.h"

namespace hearth::gateway {

struct Submission {
  model::FunctionId function_id;
  std::uint32_t version = 0;  // 0: the one that is current when it is executed
  std::shared_ptr<const std::string> input;
  std::string idempotency_key;               // empty: none
  std::uint32_t depth = 0;                   // calls that led to it
  std::optional<std::uint32_t> max_backlog;  // the function's own bound (model::AsyncPolicy)
};

// Each `done` is called on the loop of whoever asks, perhaps inside the call.
class Executions {
 public:
  using Submitted = std::function<void(ApiResult<model::ExecutionId>)>;
  using Found = std::function<void(ApiResult<model::AsyncExecution>)>;
  using Listed = std::function<void(ApiResult<std::vector<model::AsyncExecution>>)>;
  using Redriven = std::function<void(ApiResult<std::size_t>)>;

  virtual ~Executions() = default;
  // When it is durable: from then on it is executed at least once.
  virtual void submit(Submission submission, Submitted done) = 0;
  // These are as in store::ExecutionStore.
  virtual void find(const model::ExecutionId& id, Found done) = 0;
  virtual void list(const store::ExecutionFilter& filter, Listed done) = 0;
  virtual void cancel(const model::ExecutionId& id, Found done) = 0;
  virtual void redrive(const model::ExecutionId& id, Found done) = 0;
  // All that are dead; of one function, unless that is empty.
  virtual void redrive_dead(const model::FunctionId& function_id, Redriven done) = 0;
};

// For a gateway on another loop than the one that has them.
class DistantExecutions final : public Executions {
 public:
  // `executions` lives on `home`; both outlive this object. Used on `loop`.
  DistantExecutions(base::EventLoop& home, Executions& executions, base::EventLoop& loop)
      : home_(home), executions_(executions), loop_(loop) {}

  void submit(Submission submission, Submitted done) override;
  void find(const model::ExecutionId& id, Found done) override;
  void list(const store::ExecutionFilter& filter, Listed done) override;
  void cancel(const model::ExecutionId& id, Found done) override;
  void redrive(const model::ExecutionId& id, Found done) override;
  void redrive_dead(const model::FunctionId& function_id, Redriven done) override;

 private:
  template <typename Ask, typename Value>
  void there(Ask ask, std::function<void(ApiResult<Value>)> done);

  base::EventLoop& home_;
  Executions& executions_;
  base::EventLoop& loop_;
};

}  // namespace hearth::gateway
