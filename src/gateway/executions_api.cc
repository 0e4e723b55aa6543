#include "gateway/executions_api.h"

#include <numeric>
#include <utility>

#include "base/ids.h"
#include "base/on_pool.h"

namespace hearth::gateway {
namespace {

using model::ApiErrorCode;

constexpr std::size_t kRedrivenAtOnce = 1'000;
constexpr std::chrono::seconds kCountAgain{5};
constexpr std::chrono::seconds kLookAtDisk{1};

std::size_t executions_of(const std::vector<store::Backlog>& some) {
  return std::accumulate(some.begin(), some.end(), std::size_t{0},
                         [](std::size_t sum, const store::Backlog& each) { return sum + each.executions; });
}

}  // namespace

ExecutionsApi::ExecutionsApi(BacklogLimits limits, ExecutionsParts parts)
    : parts_(std::move(parts)), backlog_(limits) {}

base::Result<void> ExecutionsApi::open() {
  const auto found = parts_.store.backlog();
  if (!found) {
    return found.error();
  }
  backlog_.begin_with(*found);
  if (parts_.room) {
    backlog_.set_room(parts_.room());
  }
  return {};
}

void ExecutionsApi::watch_disk() {
  using Free = std::optional<std::uint64_t>;
  disk_timer_ = parts_.loop.at(parts_.loop.now() + kLookAtDisk, [this] {
    base::on_pool<Free>(
        parts_.pool, parts_.loop, [look = parts_.room] { return base::Result<Free>(look()); },
        [this](const base::Result<Free>& left) {
          if (left) {
            backlog_.set_room(*left);
          }
          watch_disk();
        });
  });
}

void ExecutionsApi::count_again() {
  count_timer_ = parts_.loop.at(parts_.loop.now() + kCountAgain, [this] {
    using Counted = std::vector<store::Backlog>;
    on_pool<Counted>([](store::ExecutionStore& store) { return store.backlog(); },
                     [this](const ApiResult<Counted>& result) {
                       if (const auto* counted = std::get_if<Counted>(&result)) {
                         backlog_.begin_with(*counted);
                       }
                       count_again();
                     });
  });
}

void ExecutionsApi::submit(Submission submission, Submitted done) {
  if (auto full = backlog_.admit(submission.function_id, submission.input->size(), submission.max_backlog)) {
    done(std::move(*full));
    return;
  }
  store::NewExecution execution;
  execution.submitted_ms = parts_.unix_now_ms();
  execution.id = base::make_time_ordered_guid(parts_.random, execution.submitted_ms);
  execution.function_id = std::move(submission.function_id);
  execution.version = submission.version;
  execution.depth = submission.depth;
  execution.input = std::move(submission.input);
  execution.idempotency_key = std::move(submission.idempotency_key);
  const bool taken = parts_.take(execution);
  parts_.journal.submit(execution, [this, execution, taken,
                                    done = std::move(done)](const base::Result<store::Submitted>& result) {
    submitted(execution, taken, result, done);
  });
}

void ExecutionsApi::submitted(const store::NewExecution& execution, bool taken,
                              const base::Result<store::Submitted>& result, const Submitted& done) {
  const bool fresh = result && result->fresh;
  if (!fresh) {
    backlog_.remove(execution.function_id, execution.input->size());
  }
  counts_.accepted += fresh ? 1 : 0;
  counts_.repeated += result && !fresh ? 1 : 0;
  // Whoever waits is answered first.
  done(result ? ApiResult<model::ExecutionId>(result->id) : failure(result.error()));
  if (taken) {
    parts_.taken(execution, fresh);
  } else if (fresh) {
    parts_.pending(execution);
  }
}

std::string ExecutionsApi::admit(const model::FunctionId& function, std::uint64_t input_bytes) {
  const auto full = backlog_.admit(function, input_bytes);
  return full ? full->message : std::string();
}

void ExecutionsApi::came(std::size_t executions) {
  counts_.accepted += executions;
  parts_.wake(model::ExecutionKind::kCall);
}

void ExecutionsApi::find(const model::ExecutionId& id, Found done) {
  on_pool<model::AsyncExecution>([id](store::ExecutionStore& store) { return store.find(id); },
                                 std::move(done));
}

void ExecutionsApi::list(const store::ExecutionFilter& filter, Listed done) {
  on_pool<std::vector<model::AsyncExecution>>(
      [filter](store::ExecutionStore& store) { return store.list(filter); }, std::move(done));
}

void ExecutionsApi::cancel(const model::ExecutionId& id, Found done) {
  on_pool<model::AsyncExecution>(
      [id, now_ms = parts_.unix_now_ms](store::ExecutionStore& store) { return store.cancel(id, now_ms()); },
      [this, done = std::move(done)](ApiResult<model::AsyncExecution> result) {
        if (const auto* cancelled = std::get_if<model::AsyncExecution>(&result)) {
          ++counts_.cancelled;
          backlog_.remove(cancelled->function_id, cancelled->input_bytes);
        }
        done(std::move(result));
      });
}

void ExecutionsApi::redrive(const model::ExecutionId& id, Found done) {
  on_pool<model::AsyncExecution>(
      [id, now_ms = parts_.unix_now_ms](store::ExecutionStore& store) { return store.redrive(id, now_ms()); },
      [this, done = std::move(done)](ApiResult<model::AsyncExecution> result) {
        if (const auto* pending = std::get_if<model::AsyncExecution>(&result)) {
          backlog_.add(pending->function_id, 1, pending->input_bytes);
          parts_.wake(pending->kind);
        }
        done(std::move(result));
      });
}

void ExecutionsApi::redrive_dead(const model::FunctionId& function_id, Redriven done) {
  redrive_more(function_id, 0, std::move(done));
}

// In steps, so that others get at the store between them.
void ExecutionsApi::redrive_more(const model::FunctionId& function_id, std::size_t before, Redriven done) {
  using Some = std::vector<store::Backlog>;
  on_pool<Some>(
      [function_id, now_ms = parts_.unix_now_ms](store::ExecutionStore& store) {
        return store.redrive_dead(function_id, now_ms(), kRedrivenAtOnce);
      },
      [this, function_id, before, done = std::move(done)](const ApiResult<Some>& result) {
        if (const auto* failed = std::get_if<ApiFailure>(&result)) {
          done(*failed);
          return;
        }
        const auto& some = std::get<Some>(result);
        for (const store::Backlog& each : some) {
          backlog_.add(each.function_id, each.executions, each.input_bytes);
        }
        parts_.wake(model::ExecutionKind::kCall);
        parts_.wake(model::ExecutionKind::kWebhook);
        const std::size_t count = executions_of(some);
        if (count < kRedrivenAtOnce) {
          done(before + count);
        } else {
          redrive_more(function_id, before + count, done);
        }
      });
}

template <typename Value, typename Work>
void ExecutionsApi::on_pool(Work work, std::function<void(ApiResult<Value>)> done) {
  base::on_pool<Value>(
      parts_.pool, parts_.loop, [work = std::move(work), &store = parts_.store] { return work(store); },
      [done = std::move(done)](base::Result<Value>&& result) { done(api_result(std::move(result))); });
}

}  // namespace hearth::gateway
