#include "apps/hearth/executions_role.h"

#include <utility>

#include "base/log.h"
#include "base/unix_time.h"

namespace hearth {
namespace {

// The runner's way to a version that is not the current one.
auto past_versions_of(gateway::Gateway& gateway) {
  using Done = std::function<void(base::Result<model::VersionPtr>)>;
  return [&gateway](const model::FunctionId& function, std::uint32_t number, const Done& done) {
    gateway.past_version(function, number, [done](const gateway::ApiResult<model::VersionPtr>& result) {
      if (const auto* failed = std::get_if<gateway::ApiFailure>(&result)) {
        const bool none = failed->code == model::ApiErrorCode::kNotFound;
        done(base::Error{none ? base::ErrorCode::kNotFound : base::ErrorCode::kUnavailable, failed->message});
      } else {
        done(std::get<model::VersionPtr>(result));
      }
    });
  };
}

}  // namespace

ExecutionsRole::ExecutionsRole(const ServeOptions& options, ExecutionsRoleParts parts)
    : options_(options),
      parts_(std::move(parts)),
      journal_(parts.store, parts.pool, parts.loop),
      api_(options.backlog, {parts.store, journal_, parts.pool, parts.loop, random_,
                             [this](store::NewExecution& execution) { return runner_->take(execution); },
                             [this](const store::NewExecution& execution, bool accepted) {
                               runner_->taken(execution, accepted);
                             },
                             [this] { runner_->wake(); }, parts_.room}),
      retention_(options.retention, {parts.loop, parts.pool, parts.store, base::unix_now_ms}) {}

void ExecutionsRole::execute_on(Shard& shard) {
  gateway::Gateway& gateway = *shard.gateway();
  monitor::RunnerParts parts{parts_.loop, parts_.pool, parts_.store, journal_, *shard.dispatcher(), random_};
  parts.unix_now_ms = base::unix_now_ms;
  parts.function = [&shard](const model::FunctionId& id) { return shard.functions().find(id); };
  parts.version = past_versions_of(gateway);
  parts.executed = [&gateway](const model::Function& function, const model::ExecutionId& id,
                              const model::Execution& execution,
                              std::int64_t us) { gateway.executed(function, id, execution, us); };
  parts.ended = [this](const monitor::EndedExecution& execution) {
    api_.ended(execution.function_id, execution.input_bytes);
  };
  parts.has_callers = [&gateway] { return gateway.has_callers(); };
  parts.may_execute = [&gateway] { return gateway.may_serve(); };
  monitor::RunnerOptions options = options_.executions;
  options.shared = parts_.shared;
  runner_ = std::make_unique<monitor::ExecutionRunner>(options, std::move(parts));
}

gateway::ExecutionsStatus ExecutionsRole::status() const {
  const auto& accepted = api_.counts();
  const auto& run = runner_->counts();
  const auto& backlog = api_.backlog();
  return {accepted.accepted,
          accepted.repeated,
          run.done,
          run.dead,
          accepted.cancelled,
          run.attempts,
          run.retries,
          run.leases_lost,
          runner_->executing(),
          backlog.executions(),
          backlog.input_bytes()};
}

base::Result<void> ExecutionsRole::open() {
  if (parts_.shared) {
    return api_.open();
  }
  const auto released = parts_.store.release_all(base::unix_now_ms());
  if (!released) {
    return released.error();
  }
  if (*released > 0) {
    spdlog::info(
        "asynchronous executions: {} were running when this store was last open; they are executed again",
        *released);
  }
  return api_.open();
}

}  // namespace hearth
