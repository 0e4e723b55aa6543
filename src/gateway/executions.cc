#include "gateway/executions.h"

#include <utility>

#include "base/bring_back.h"

namespace hearth::gateway {

// On the same loop there is nothing to cross.
template <typename Ask, typename Value>
void DistantExecutions::there(Ask ask, std::function<void(ApiResult<Value>)> done) {
  if (&home_ == &loop_) {
    ask(executions_, std::move(done));
    return;
  }
  auto told = base::bring_back(loop_, std::move(done));
  home_.post([&executions = executions_, ask = std::move(ask), told] { ask(executions, told); });
}

void DistantExecutions::submit(Submission submission, Submitted done) {
  there([submission = std::move(submission)](
            Executions& executions, Submitted told) { executions.submit(submission, std::move(told)); },
        std::move(done));
}

void DistantExecutions::find(const model::ExecutionId& id, Found done) {
  there([id](Executions& executions, Found told) { executions.find(id, std::move(told)); }, std::move(done));
}

void DistantExecutions::list(const store::ExecutionFilter& filter, Listed done) {
  there([filter](Executions& executions, Listed told) { executions.list(filter, std::move(told)); },
        std::move(done));
}

void DistantExecutions::cancel(const model::ExecutionId& id, Found done) {
  there([id](Executions& executions, Found told) { executions.cancel(id, std::move(told)); },
        std::move(done));
}

void DistantExecutions::redrive(const model::ExecutionId& id, Found done) {
  there([id](Executions& executions, Found told) { executions.redrive(id, std::move(told)); },
        std::move(done));
}

void DistantExecutions::redrive_dead(const model::FunctionId& function_id, Redriven done) {
  there([function_id](Executions& executions,
                      Redriven told) { executions.redrive_dead(function_id, std::move(told)); },
        std::move(done));
}

}  // namespace hearth::gateway
