// Has the slots of schedules executed: looks for those that are due, decides by each schedule's policy which
// of them were missed, and submits an execution for each of the others, in the same commit in which the
// schedule goes on. However many processes run this on one store, each slot has at most one execution; and
// whatever becomes of a process, none is lost: it is decided of, or it stays due.
//
// A slot is a moment of the time of day. That may jump: it is looked at anew with every look, which comes at
// the next slot and every second at least. Loop thread only; the store's work is on the pool.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/event_loop.h"
#include "base/random.h"
#include "base/work_pool.h"
#include "schedule/due_slots.h"
#include "schedule/time_zones.h"
#include "store/function_store.h"
#include "store/schedule_store.h"

namespace hearth::monitor {

struct ScheduleOptions {
  std::chrono::milliseconds grace{60'000};  // --schedule-grace: older slots were missed
  bool shared = false;                      // other processes change the schedules too
};

struct ScheduleParts {
  base::EventLoop& loop;
  base::WorkPool& pool;
  store::ScheduleStore& store;
  store::FunctionStore& functions;  // for aliases
  schedule::TimeZones& zones;
  base::Random& random;
  // One execution more of the function, with so many bytes of input: empty, or why not now.
  std::function<std::string(const model::FunctionId&, std::uint64_t)> admit{};
  // One that was admitted is not submitted after all.
  std::function<void(const model::FunctionId&, std::uint64_t)> withdraw{};
  // So many are pending now.
  std::function<void(std::size_t)> submitted{};
  std::function<std::int64_t()> unix_now_ms{};
};

struct ScheduleCounts {
  std::uint64_t executed = 0;  // slots that an execution was submitted for
  std::uint64_t missed = 0;
  std::uint64_t hindered = 0;  // looks at a slot that could not be executed then, and stayed due
};

class ScheduleRunner {
 public:
  ScheduleRunner(ScheduleOptions options, ScheduleParts parts);
  ScheduleRunner(const ScheduleRunner&) = delete;
  ScheduleRunner& operator=(const ScheduleRunner&) = delete;
  ~ScheduleRunner();

  // Looks for what is due from now on.
  void start() { look(); }
  // A schedule was changed here.
  void wake();
  // Submits nothing more, but for what is on its way to the store.
  void stop();

  const ScheduleCounts& counts() const { return counts_; }

 private:
  // A schedule that is due, and what is decided of it.
  struct Due {
    model::Schedule schedule;
    schedule::DueSlots slots;
    std::optional<model::Alias> alias;
    std::string hindrance;  // why none of them can be executed now
  };
  struct Page {
    std::vector<Due> due;
    bool last = false;
    std::optional<std::int64_t> next_ms;  // of the last one: the first slot that is not due yet
  };
  using Name = std::pair<model::FunctionId, std::string>;
  using Steps = std::vector<store::ScheduleStep>;

  void look();
  void turn_page(store::DuePosition after);
  void paged(const base::Result<Page>& page);
  store::ScheduleStep step_of(const Due& due);
  void advance(std::shared_ptr<const Steps> steps, std::function<void()> done);
  void advanced(const Steps& steps, const std::vector<bool>& done);
  void withdraw(const store::ScheduleStep& step);
  void note_hindrance(const Due& due, const std::string& why);
  void looked(std::optional<std::int64_t> next_ms);
  void failed(const base::Error& error);
  void look_after(std::chrono::milliseconds pause);
  template <typename Value>
  void on_pool(std::function<base::Result<Value>()> job, std::function<void(base::Result<Value>)> done);

  static Page read_page(std::vector<model::Schedule> due, const ScheduleParts& parts, std::int64_t now_ms,
                        std::chrono::milliseconds grace);
  static Due decide(model::Schedule schedule, const ScheduleParts& parts, std::int64_t now_ms,
                    std::chrono::milliseconds grace);

  const ScheduleOptions options_;
  const ScheduleParts parts_;
  base::TimerId timer_ = 0;
  bool stopped_ = false;
  bool looking_ = false;
  bool look_again_ = false;  // somebody woke us while we looked
  // Of the look that is on its way.
  std::int64_t now_ms_ = 0;
  bool progress_ = false;
  bool overtaken_ = false;  // somebody else decided of a slot, or was about to
  std::map<Name, std::string> hindrances_;
  std::map<Name, std::string> hindrances_before_;  // of the look before: nobody is told twice
  ScheduleCounts counts_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace hearth::monitor
