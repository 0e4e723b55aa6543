// A store of schedules in which somebody else is always faster. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "store/schedule_store.h"

namespace hearth::monitor {

// Each step has just been taken by another server when somebody wants to take it.
class OvertakenStore final : public store::ScheduleStore {
 public:
  explicit OvertakenStore(store::ScheduleStore& store) : store_(store) {}

  base::Result<void> set(const model::Schedule& schedule, const model::Schedule* before) override {
    return store_.set(schedule, before);
  }
  base::Result<void> remove(std::string_view function_id, std::string_view name) override {
    return store_.remove(function_id, name);
  }
  base::Result<model::Schedule> find(std::string_view function_id, std::string_view name) override {
    return store_.find(function_id, name);
  }
  base::Result<std::vector<model::Schedule>> list(const store::ScheduleFilter& filter) override {
    return store_.list(filter);
  }
  base::Result<std::vector<model::Schedule>> due(std::int64_t now_ms, const store::DuePosition& after,
                                                 std::size_t limit) override {
    return store_.due(now_ms, after, limit);
  }
  base::Result<std::optional<std::int64_t>> next_due(std::int64_t after_ms) override {
    return store_.next_due(after_ms);
  }
  base::Result<std::vector<bool>> advance(std::span<const store::ScheduleStep> steps) override {
    std::vector<store::ScheduleStep> faster(steps.begin(), steps.end());
    for (auto& step : faster) {
      for (auto& execution : step.executions) {
        execution.id += "-of-another";
      }
    }
    const auto taken = store_.advance(faster);
    EXPECT_TRUE(taken.ok());
    return store_.advance(steps);
  }

 private:
  store::ScheduleStore& store_;
};

}  // namespace hearth::monitor
