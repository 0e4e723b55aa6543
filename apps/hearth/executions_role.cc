#include "apps/hearth/executions_role.h"

#include <utility>

#include "base/log.h"
#include "base/unix_time.h"

namespace hearth {
namespace {

constexpr std::chrono::milliseconds kLatestDue = std::chrono::hours(2);

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
      api_(options.backlog,
           {parts.store, journal_, parts.pool, parts.loop, random_,
            [this](store::NewExecution& execution) { return calls_->take(execution); },
            [this](const store::NewExecution& execution, bool accepted) {
              calls_->taken(execution, accepted);
            },
            [this](const store::NewExecution& execution) { runner_of(execution.kind).pending(execution); },
            [this](model::ExecutionKind kind) { runner_of(kind).wake(); }, base::unix_now_ms, parts_.room}),
      retention_(options.retention, {parts.loop, parts.pool, parts.store, base::unix_now_ms}),
      schedules_({options.schedule_grace, parts.shared}, schedule_parts()) {}

monitor::ScheduleParts ExecutionsRole::schedule_parts() {
  monitor::ScheduleParts parts{parts_.loop,      parts_.pool,  parts_.schedules,
                               parts_.functions, parts_.zones, random_};
  parts.admit = [this](const model::FunctionId& function, std::uint64_t bytes) {
    return api_.admit(function, bytes);
  };
  parts.withdraw = [this](const model::FunctionId& function, std::uint64_t bytes) {
    api_.withdraw(function, bytes);
  };
  parts.submitted = [this](std::size_t executions) { api_.came(executions); };
  parts.unix_now_ms = base::unix_now_ms;
  return parts;
}

monitor::ExecutionRunner& ExecutionsRole::runner_of(model::ExecutionKind kind) {
  return kind == model::ExecutionKind::kWebhook ? *messages_ : *calls_;
}

monitor::RunnerParts ExecutionsRole::runner_parts(Shard& shard) {
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
  parts.followed = [this](const store::NewExecution& execution) {
    api_.followed(execution.function_id, execution.input->size());
    runner_of(execution.kind).pending(execution);
  };
  parts.has_callers = [&gateway] { return gateway.has_callers(); };
  parts.may_execute = [&gateway] { return gateway.may_serve(); };
  return parts;
}

void ExecutionsRole::execute_on(Shard& shard) {
  shard_ = &shard;
  monitor::RunnerOptions options = options_.executions;
  options.shared = parts_.shared;
  options.record_bytes = options_.invocation.body_bytes;
  calls_ = std::make_unique<monitor::ExecutionRunner>(options, runner_parts(shard));
}

// With places of their own: a webhook that hangs holds no call up.
base::Result<void> ExecutionsRole::open_webhooks() {
  webhook::CurlOptions curl = options_.webhooks;
  curl.kept_connections = options_.webhook_concurrency;
  auto webhooks = webhook::CurlWebhooks::start(std::move(curl), parts_.loop);
  if (!webhooks) {
    return webhooks.error();
  }
  webhooks_ = std::move(*webhooks);
  monitor::RunnerOptions options = options_.executions;
  options.kind = model::ExecutionKind::kWebhook;
  options.shared = parts_.shared;
  options.concurrency = options_.webhook_concurrency;
  options.retry.retries = options_.webhook_retries;
  monitor::RunnerParts parts = runner_parts(*shard_);
  parts.webhooks = webhooks_.get();
  parts.has_callers = [] { return false; };  // they wait for others, and need no core
  messages_ = std::make_unique<monitor::ExecutionRunner>(options, std::move(parts));
  return {};
}

void ExecutionsRole::drain(const std::function<void()>& done) {
  const auto left = std::make_shared<int>(2);
  const auto one_drained = [left, done] {
    if (--*left == 0) {
      done();
    }
  };
  schedules_.stop();
  calls_->drain(one_drained);
  messages_->drain(one_drained);
}

gateway::ExecutionsStatus ExecutionsRole::status() const {
  const auto& accepted = api_.counts();
  const auto& run = calls_->counts();
  const auto& sent = messages_->counts();
  const auto& backlog = api_.backlog();
  const auto& slots = schedules_.counts();
  return {accepted.accepted,
          accepted.repeated,
          run.done,
          run.dead,
          accepted.cancelled,
          run.attempts,
          run.retries,
          run.leases_lost + sent.leases_lost,
          slots.executed,
          slots.missed,
          slots.hindered,
          calls_->executing(),
          backlog.executions(),
          backlog.input_bytes(),
          {sent.done, sent.dead, sent.attempts, sent.retries, messages_->executing()}};
}

base::Result<void> ExecutionsRole::open() {
  if (auto opened = open_webhooks(); !opened) {
    return opened;
  }
  if (parts_.shared) {
    return api_.open();
  }
  const std::int64_t now_ms = base::unix_now_ms();
  const auto released = parts_.store.release_all(now_ms);
  if (!released) {
    return released.error();
  }
  // No retry is as far away: the time of day was ahead when it was accepted.
  if (const auto brought = parts_.store.bring_forward(now_ms + kLatestDue.count(), now_ms); !brought) {
    return brought;
  }
  if (*released > 0) {
    spdlog::info(
        "asynchronous executions: {} were running when this store was last open; they are executed again",
        *released);
  }
  return api_.open();
}

}  // namespace hearth
