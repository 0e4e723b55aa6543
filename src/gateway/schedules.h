// Schedules as the gateway makes, shows and removes them. Loop thread only, each loop its own; the store's
// work is on the pool.
#pragma once

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "base/event_loop.h"
#include "base/random.h"
#include "base/work_pool.h"
#include "gateway/function_changes.h"
#include "model/schedule.h"
#include "schedule/time_zones.h"
#include "store/schedule_store.h"

namespace hearth::gateway {

// For any thread, but for the loop, which is the one that asks. All outlive who has them.
struct SchedulesParts {
  store::ScheduleStore& store;
  schedule::TimeZones& zones;
  base::WorkPool& pool;
  base::EventLoop& loop;
  base::Random& random;
  std::function<void()> changed;  // tells whoever executes them
};

// Each `done` is called on the loop, perhaps inside the call.
class Schedules {
 public:
  struct Change {
    model::Schedule schedule;
    bool created = false;
  };
  using Changed = std::function<void(ApiResult<Change>)>;
  using Removed = std::function<void(ApiResult<std::monostate>)>;
  using Found = std::function<void(ApiResult<model::Schedule>)>;
  using Listed = std::function<void(ApiResult<std::vector<model::Schedule>>)>;

  explicit Schedules(SchedulesParts parts) : parts_(std::move(parts)) {}

  // Makes it or changes it, when that is durable.
  void set(const model::ScheduleSetting& setting, Changed done);
  void remove(const model::FunctionId& function_id, const std::string& name, Removed done);
  void find(const model::FunctionId& function_id, const std::string& name, Found done);
  void list(const store::ScheduleFilter& filter, Listed done);

 private:
  template <typename Value>
  void on_pool(std::function<base::Result<Value>()> work, std::function<void(ApiResult<Value>)> done);

  const SchedulesParts parts_;
};

}  // namespace hearth::gateway
