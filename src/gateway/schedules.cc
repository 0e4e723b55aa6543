#include "gateway/schedules.h"

#include <utility>

#include "base/bring_back.h"
#include "base/ids.h"
#include "base/unix_time.h"
#include "schedule/due_slots.h"

namespace hearth::gateway {
namespace {

using model::ApiErrorCode;

// Slots that come between the reading and the writing, and others who change the same.
constexpr int kTries = 10;

base::Result<Schedules::Change> set_once(store::ScheduleStore& store, schedule::TimeZones& zones,
                                         const model::ScheduleSetting& setting,
                                         const std::string& setting_id) {
  const auto before = store.find(setting.function_id, setting.name);
  if (!before && before.error().code != base::ErrorCode::kNotFound) {
    return before.error();
  }
  const model::Schedule* const known = before ? &*before : nullptr;
  auto schedule = schedule::with_setting(known, setting, zones, base::unix_now_ms());
  if (!schedule) {
    return schedule.error();
  }
  schedule->setting_id = setting_id;
  if (auto stored = store.set(*schedule, known); !stored) {
    return stored.error();
  }
  return Schedules::Change{std::move(*schedule), known == nullptr};
}

ApiResult<Schedules::Change> set_blocking(store::ScheduleStore& store, schedule::TimeZones& zones,
                                          const model::ScheduleSetting& setting,
                                          const std::string& setting_id) {
  auto done = set_once(store, zones, setting, setting_id);
  for (int i = 1; i < kTries && !done && done.error().code == base::ErrorCode::kBusy; ++i) {
    done = set_once(store, zones, setting, setting_id);
  }
  if (done) {
    return std::move(*done);
  }
  if (done.error().code == base::ErrorCode::kExhausted) {
    return ApiFailure{ApiErrorCode::kBadRequest, done.error().message};
  }
  return failure(done.error());
}

}  // namespace

void Schedules::set(const model::ScheduleSetting& setting, Changed done) {
  on_pool<Change>(
      [&parts = parts_, setting, setting_id = base::make_guid(parts_.random)] {
        return set_blocking(parts.store, parts.zones, setting, setting_id);
      },
      [this, done = std::move(done)](ApiResult<Change> result) {
        if (std::holds_alternative<Change>(result)) {
          parts_.changed();
        }
        done(std::move(result));
      });
}

void Schedules::remove(const model::FunctionId& function_id, const std::string& name, Removed done) {
  on_pool<std::monostate>(
      [&store = parts_.store, function_id, name]() -> ApiResult<std::monostate> {
        const auto removed = store.remove(function_id, name);
        return removed ? ApiResult<std::monostate>(std::monostate()) : failure(removed.error());
      },
      std::move(done));
}

void Schedules::find(const model::FunctionId& function_id, const std::string& name, Found done) {
  on_pool<model::Schedule>(
      [&store = parts_.store, function_id, name]() -> ApiResult<model::Schedule> {
        auto found = store.find(function_id, name);
        return found ? ApiResult<model::Schedule>(std::move(*found)) : failure(found.error());
      },
      std::move(done));
}

void Schedules::list(const store::ScheduleFilter& filter, Listed done) {
  using Some = std::vector<model::Schedule>;
  on_pool<Some>(
      [&store = parts_.store, filter]() -> ApiResult<Some> {
        auto found = store.list(filter);
        return found ? ApiResult<Some>(std::move(*found)) : failure(found.error());
      },
      std::move(done));
}

template <typename Value>
void Schedules::on_pool(std::function<ApiResult<Value>()> work, std::function<void(ApiResult<Value>)> done) {
  auto told = base::bring_back(parts_.loop, done);
  if (auto submitted = parts_.pool.submit([work = std::move(work), told] { told(work()); }); !submitted) {
    done(failure(submitted.error()));
  }
}

}  // namespace hearth::gateway
