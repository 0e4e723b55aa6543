#include "monitor/schedule_runner.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/ids.h"
#include "base/log.h"
#include "base/on_pool.h"

namespace hearth::monitor {
namespace {

// The clock may have jumped, others may have changed a schedule, a full backlog may have room.
constexpr std::chrono::milliseconds kLookAgain{1'000};
constexpr std::chrono::milliseconds kPauseAfterFailure{1'000};
// Whoever was faster has committed by then.
constexpr std::chrono::milliseconds kPauseWhenOvertaken{50};
constexpr std::size_t kSchedulesOfAPage = 50;

}  // namespace

ScheduleRunner::ScheduleRunner(ScheduleOptions options, ScheduleParts parts)
    : options_(options), parts_(std::move(parts)) {}

ScheduleRunner::~ScheduleRunner() { parts_.loop.cancel(timer_); }

void ScheduleRunner::wake() {
  if (looking_) {
    look_again_ = true;
  } else {
    look();
  }
}

void ScheduleRunner::stop() {
  stopped_ = true;
  parts_.loop.cancel(timer_);
}

void ScheduleRunner::look() {
  if (stopped_ || looking_) {
    return;
  }
  looking_ = true;
  parts_.loop.cancel(timer_);
  now_ms_ = parts_.unix_now_ms();
  progress_ = false;
  overtaken_ = false;
  hindrances_before_ = std::exchange(hindrances_, {});
  turn_page({});
}

// ---- on the pool

ScheduleRunner::Due ScheduleRunner::decide(model::Schedule schedule, const ScheduleParts& parts,
                                           std::int64_t now_ms, std::chrono::milliseconds grace) {
  Due due;
  due.slots.next_ms = schedule.next_ms;
  const model::ScheduleSetting& setting = schedule.setting;
  const auto timing = schedule::Timing::make(setting, schedule.anchor_ms, parts.zones);
  if (!timing) {
    due.hindrance = timing.error().message;
  } else {
    due.slots = schedule::due_slots(*timing, setting.missed, schedule.next_ms, now_ms, grace);
  }
  if (!setting.alias.empty() && !due.slots.slots.empty()) {
    const auto function = parts.functions.find(setting.function_id);
    const auto* const aliases = function ? &function->aliases : nullptr;
    if (aliases == nullptr) {
      due.hindrance = function.error().message;
    } else if (const auto found = aliases->find(setting.alias); found != aliases->end()) {
      due.alias = found->second;
    } else {
      due.hindrance = fmt::format("the function has no alias \"{}\"", setting.alias);
    }
  }
  due.schedule = std::move(schedule);
  return due;
}

ScheduleRunner::Page ScheduleRunner::read_page(std::vector<model::Schedule> due, const ScheduleParts& parts,
                                               std::int64_t now_ms, std::chrono::milliseconds grace) {
  Page page;
  page.last = due.size() < kSchedulesOfAPage;
  for (model::Schedule& each : due) {
    page.due.push_back(decide(std::move(each), parts, now_ms, grace));
  }
  return page;
}

// ---- on the loop

void ScheduleRunner::turn_page(store::DuePosition after) {
  auto job = [&parts = parts_, now_ms = now_ms_, grace = options_.grace,
              after = std::move(after)]() -> base::Result<Page> {
    auto due = parts.store.due(now_ms, after, kSchedulesOfAPage);
    if (!due) {
      return due.error();
    }
    Page page = read_page(std::move(*due), parts, now_ms, grace);
    if (page.last) {
      const auto next = parts.store.next_due(now_ms);
      if (!next) {
        return next.error();
      }
      page.next_ms = *next;
    }
    return page;
  };
  on_pool<Page>(std::move(job), [this](const base::Result<Page>& page) { paged(page); });
}

void ScheduleRunner::paged(const base::Result<Page>& page) {
  if (!page) {
    failed(page.error());
    return;
  }
  if (stopped_) {
    return;
  }
  auto steps = std::make_shared<Steps>();
  for (const Due& each : page->due) {
    store::ScheduleStep step = step_of(each);
    if (step.missed > 0 || !step.executions.empty()) {
      steps->push_back(std::move(step));
    }
  }
  std::function<void()> go_on = [this, next_ms = page->next_ms] { looked(next_ms); };
  if (!page->last) {
    const model::Schedule& last = page->due.back().schedule;
    go_on = [this, after = store::DuePosition{last.next_ms, last.setting.function_id, last.setting.name}] {
      turn_page(after);
    };
  }
  if (steps->empty()) {
    go_on();
  } else {
    advance(std::move(steps), std::move(go_on));
  }
}

// What is admitted of the slots goes on; the first that is not stays due, with those after it.
store::ScheduleStep ScheduleRunner::step_of(const Due& due) {
  const model::Schedule& schedule = due.schedule;
  const model::ScheduleSetting& setting = schedule.setting;
  store::ScheduleStep step{setting.function_id,
                           setting.name,
                           schedule.setting_id,
                           schedule.next_ms,
                           due.slots.next_ms,
                           due.slots.missed,
                           {}};
  const auto input = std::make_shared<const std::string>(setting.input);
  std::string hindrance = due.hindrance;
  for (const std::int64_t slot : due.slots.slots) {
    if (hindrance.empty()) {
      hindrance = parts_.admit(setting.function_id, input->size());
    }
    if (!hindrance.empty()) {
      step.next_ms = slot;
      break;
    }
    store::NewExecution execution;
    execution.submitted_ms = parts_.unix_now_ms();
    execution.id = base::make_time_ordered_guid(parts_.random, execution.submitted_ms);
    execution.function_id = setting.function_id;
    execution.version =
        due.alias ? model::version_at(*due.alias, model::random_point(parts_.random)) : setting.version;
    execution.input = input;
    execution.schedule = setting.name;
    execution.slot_ms = slot;
    step.executions.push_back(std::move(execution));
  }
  if (!hindrance.empty()) {
    note_hindrance(due, hindrance);
  }
  return step;
}

void ScheduleRunner::note_hindrance(const Due& due, const std::string& why) {
  ++counts_.hindered;
  const Name name{due.schedule.setting.function_id, due.schedule.setting.name};
  const auto before = hindrances_before_.find(name);
  if (before == hindrances_before_.end() || before->second != why) {
    spdlog::warn("the schedule \"{}\" of function {} is due and cannot be executed now: {}", name.second,
                 name.first, why);
  }
  hindrances_[name] = why;
}

void ScheduleRunner::advance(std::shared_ptr<const Steps> steps, std::function<void()> done) {
  using Done = std::vector<bool>;
  on_pool<Done>([&store = parts_.store, steps] { return store.advance(*steps); },
                [this, steps, done = std::move(done)](const base::Result<Done>& result) {
                  if (result) {
                    advanced(*steps, *result);
                    done();
                    return;
                  }
                  std::ranges::for_each(*steps, [this](const auto& each) { withdraw(each); });
                  failed(result.error());
                });
}

void ScheduleRunner::advanced(const Steps& steps, const std::vector<bool>& done) {
  std::size_t executed = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (done[i]) {
      executed += steps[i].executions.size();
      counts_.missed += steps[i].missed;
      progress_ = true;
    } else {
      withdraw(steps[i]);
      overtaken_ = true;
    }
  }
  counts_.executed += executed;
  if (executed > 0) {
    parts_.submitted(executed);
  }
}

void ScheduleRunner::withdraw(const store::ScheduleStep& step) {
  for (const store::NewExecution& each : step.executions) {
    parts_.withdraw(each.function_id, each.input->size());
  }
}

void ScheduleRunner::looked(std::optional<std::int64_t> next_ms) {
  looking_ = false;
  if (progress_ || std::exchange(look_again_, false)) {
    look();  // there may be more of the same
    return;
  }
  if (overtaken_) {
    look_after(kPauseWhenOvertaken);
  } else if (next_ms || options_.shared || !hindrances_.empty()) {
    const std::chrono::milliseconds until(next_ms ? *next_ms - parts_.unix_now_ms() : INT64_MAX);
    look_after(std::clamp(until, std::chrono::milliseconds(1), kLookAgain));
  }
}

void ScheduleRunner::failed(const base::Error& error) {
  looking_ = false;
  spdlog::warn("schedules: what is due is not executed now: {}", error.message);
  look_after(kPauseAfterFailure);
}

void ScheduleRunner::look_after(std::chrono::milliseconds pause) {
  if (!stopped_) {
    timer_ = parts_.loop.at(parts_.loop.now() + pause, [this] { look(); });
  }
}

template <typename Value>
void ScheduleRunner::on_pool(std::function<base::Result<Value>()> job,
                             std::function<void(base::Result<Value>)> done) {
  base::on_pool<Value>(parts_.pool, parts_.loop, alive_, std::move(job), std::move(done));
}

}  // namespace hearth::monitor
