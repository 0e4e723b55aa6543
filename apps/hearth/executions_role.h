// A process's part in asynchronous executions: it accepts them, has those of schedules submitted, and makes
// them complete.
//
// On the first loop. Made and ended by the platform.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "apps/hearth/serve_options.h"
#include "apps/hearth/shard.h"
#include "base/blocking_pool.h"
#include "base/random.h"
#include "base/reactor.h"
#include "gateway/executions_api.h"
#include "monitor/execution_retention.h"
#include "monitor/execution_runner.h"
#include "monitor/schedule_runner.h"
#include "schedule/time_zones.h"
#include "store/execution_journal.h"
#include "store/function_store.h"
#include "store/schedule_store.h"

namespace hearth {

struct ExecutionsRoleParts {
  store::ExecutionStore& store;
  store::ScheduleStore& schedules;
  store::FunctionStore& functions;
  schedule::TimeZones& zones;
  base::BlockingPool& pool;
  base::Reactor& loop;
  bool shared = false;  // the store, with other processes
  // What the store has room for, in bytes; nothing: not known. May block. Empty: nobody knows.
  std::function<std::optional<std::uint64_t>()> room{};
};

class ExecutionsRole {
 public:
  // All outlive it.
  ExecutionsRole(const ServeOptions& options, ExecutionsRoleParts parts);

  gateway::Executions& executions() { return api_; }
  // By the shard of the loop, which outlives it. Before open().
  void execute_on(Shard& shard);
  // Where the store is this process's alone, nobody else holds a lease on what was running. Blocks, and
  // starts the webhooks' thread.
  base::Result<void> open();
  void start() {
    if (parts_.shared) {
      api_.count_again();
    }
    if (parts_.room) {
      api_.watch_disk();
    }
    calls_->start();
    messages_->start();
    retention_.start();
    schedules_.start();
  }
  // Somebody has changed a schedule.
  void wake_schedules() { schedules_.wake(); }
  gateway::ExecutionsStatus status() const;
  void drain(const std::function<void()>& done);

 private:
  monitor::ExecutionRunner& runner_of(model::ExecutionKind kind);
  monitor::RunnerParts runner_parts(Shard& shard);
  base::Result<void> open_webhooks();
  monitor::ScheduleParts schedule_parts();

  const ServeOptions& options_;
  const ExecutionsRoleParts parts_;
  base::PooledRandom random_;
  store::ExecutionJournal journal_;
  gateway::ExecutionsApi api_;
  monitor::ExecutionRetention retention_;
  Shard* shard_ = nullptr;  // that executes
  std::unique_ptr<webhook::Webhooks> webhooks_;
  std::unique_ptr<monitor::ExecutionRunner> calls_;
  std::unique_ptr<monitor::ExecutionRunner> messages_;  // to webhooks
  monitor::ScheduleRunner schedules_;
};

}  // namespace hearth
