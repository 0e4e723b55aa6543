// The store port for schedules: which there are, and how far each has come with its slots.
//
// Called on threads that may block, from several at once and by several processes. What is written is durable
// when the call returns without an error; an error means that nothing of it is, but for kUnavailable: then it
// is not known. Times are Unix time in milliseconds, and the caller's. Schedules go with their function.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/schedule.h"
#include "store/execution_store.h"

namespace hearth::store {

struct ScheduleFilter {
  model::FunctionId function_id;  // empty: of all
  // After this one of this function, in the order of functions' ids and names; empty: from the first on.
  model::FunctionId after_function;
  std::string after_name;
  std::size_t limit = 100;
};

// Of those that are due, the ones after this: by their slot, function and name.
struct DuePosition {
  std::int64_t next_ms = 0;
  model::FunctionId function_id;
  std::string name;
};

// What is decided of a schedule's slots, from the one at `due_ms` to the one at `next_ms`.
struct ScheduleStep {
  model::FunctionId function_id;
  std::string name;
  // As it was read. Nothing happens unless it still is so: of all who decide of a slot one does.
  std::string setting_id;
  std::int64_t due_ms = 0;
  std::int64_t next_ms = 0;  // 0: there is none any more
  std::uint64_t missed = 0;
  std::vector<NewExecution> executions;  // one a slot, in their order, without keys; may be none
};

class ScheduleStore {
 public:
  virtual ~ScheduleStore() = default;

  // Makes it, where `before` is null, or puts it in the place of that. kBusy: it is not as `before` any more,
  // or there is one now. kNotFound: there is no such function. kExhausted: the function has as many as it
  // may.
  virtual base::Result<void> set(const model::Schedule& schedule, const model::Schedule* before) = 0;
  // kNotFound.
  virtual base::Result<void> remove(std::string_view function_id, std::string_view name) = 0;
  // kNotFound.
  virtual base::Result<model::Schedule> find(std::string_view function_id, std::string_view name) = 0;
  virtual base::Result<std::vector<model::Schedule>> list(const ScheduleFilter& filter) = 0;

  // Those whose next slot is not after `now_ms`, the earliest first.
  virtual base::Result<std::vector<model::Schedule>> due(std::int64_t now_ms, const DuePosition& after,
                                                         std::size_t limit) = 0;
  // The first slot of any after that moment. Nothing: there is none.
  virtual base::Result<std::optional<std::int64_t>> next_due(std::int64_t after_ms) = 0;
  // All of it in one commit, the executions with their schedule's progress. One each; false: the schedule is
  // not as it was read any more, or somebody else has it in hand, and nothing of this step is done.
  virtual base::Result<std::vector<bool>> advance(std::span<const ScheduleStep> steps) = 0;
};

}  // namespace hearth::store
