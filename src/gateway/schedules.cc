#include "gateway/schedules.h"

#include <utility>

#include "base/ids.h"
#include "base/on_pool.h"
#include "base/unix_time.h"
#include "schedule/due_slots.h"

namespace hearth::gateway {
namespace {

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

// kInvalidArgument, too, when the function has as many as it may have.
base::Result<Schedules::Change> set_until_nobody_was_faster(store::ScheduleStore& store,
                                                            schedule::TimeZones& zones,
                                                            const model::ScheduleSetting& setting,
                                                            const std::string& setting_id) {
  auto done = set_once(store, zones, setting, setting_id);
  for (int i = 1; i < kTries && !done && done.error().code == base::ErrorCode::kBusy; ++i) {
    done = set_once(store, zones, setting, setting_id);
  }
  const bool full = !done && done.error().code == base::ErrorCode::kExhausted;
  return full ? base::Error{base::ErrorCode::kInvalidArgument, done.error().message} : std::move(done);
}

}  // namespace

void Schedules::set(const model::ScheduleSetting& setting, Changed done) {
  on_pool<Change>(
      [&parts = parts_, setting, setting_id = base::make_guid(parts_.random)] {
        return set_until_nobody_was_faster(parts.store, parts.zones, setting, setting_id);
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
      [&store = parts_.store, function_id, name]() -> base::Result<std::monostate> {
        const auto removed = store.remove(function_id, name);
        return removed ? base::Result<std::monostate>(std::monostate()) : removed.error();
      },
      std::move(done));
}

void Schedules::find(const model::FunctionId& function_id, const std::string& name, Found done) {
  on_pool<model::Schedule>(
      [&store = parts_.store, function_id, name] { return store.find(function_id, name); }, std::move(done));
}

void Schedules::list(const store::ScheduleFilter& filter, Listed done) {
  on_pool<std::vector<model::Schedule>>([&store = parts_.store, filter] { return store.list(filter); },
                                        std::move(done));
}

template <typename Value>
void Schedules::on_pool(std::function<base::Result<Value>()> work,
                        std::function<void(ApiResult<Value>)> done) {
  base::on_pool<Value>(
      parts_.pool, parts_.loop, std::move(work),
      [done = std::move(done)](base::Result<Value>&& result) { done(api_result(std::move(result))); });
}

}  // namespace hearth::gateway
