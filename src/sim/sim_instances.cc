#include "sim/sim_instances.h"

#include <utility>

namespace hearth::sim {
namespace {

// Node's boot, a container and the load of a small handler, with the processor to itself.
constexpr double kStartMedianUs = 75'000;
constexpr double kStartDeviation = 0.35;
// From the store, and unpacked: once for a function on a worker.
constexpr double kCodeMedianUs = 20'000;
constexpr double kCodeDeviation = 1.0;
constexpr std::chrono::milliseconds kRemoval{5};

std::int64_t microseconds(double us) { return static_cast<std::int64_t>(us); }

}  // namespace

class SimInstances::SimInstance final : public worker::Instance {
 public:
  SimInstance(SimInstances& owner, worker::InstanceStart start, worker::InstanceEvents& events)
      : owner_(owner),
        events_(events),
        name_(std::move(start.name)),
        function_(Functions::of(*start.version)),
        memory_mb_(start.version->memory_mb) {
    owner_.count_live(1, memory_mb_);
    turn(Phase::kStarting);
    begin();
  }
  SimInstance(const SimInstance&) = delete;
  SimInstance& operator=(const SimInstance&) = delete;
  ~SimInstance() override {
    owner_.loop_.cancel(timer_);
    owner_.loop_.cancel(end_timer_);
    owner_.loop_.cancel(pause_timer_);
    set_warm(false);
    turn(Phase::kIdle);
    owner_.count_live(-1, memory_mb_);
  }

  void invoke(worker::InstanceCall call) override {
    owner_.loop_.cancel(std::exchange(pause_timer_, 0));
    turn(Phase::kExecuting);
    ++owner_.counts_.calls;
    slot_ = call.slot;
    const auto run = owner_.functions_.run(function_, owner_.dice_);
    after(run, [this, run] {
      owner_.counts_.run_us += static_cast<std::uint64_t>(run.count());
      become_idle();
      events_.finished(name_, returned(run));
    });
  }
  void assign(worker::InstanceStart) override {}  // none is pre-started
  bool takes_behind() const override { return false; }
  void take_back() override {}
  void stop() override {
    if (end_timer_ == 0) {
      owner_.counts_.killed += phase_ == Phase::kIdle ? 0U : 1U;
      owner_.loop_.cancel(std::exchange(pause_timer_, 0));
      set_warm(false);
      end_timer_ = owner_.loop_.at(owner_.loop_.now() + kRemoval, [this] {
        if (!owner_.lost_) {
          events_.ended(name_);
        }
      });
    }
  }

 private:
  enum class Phase { kStarting, kIdle, kExecuting };

  void begin() {
    ++owner_.counts_.starts;
    model::ExecutionSteps steps;
    if (owner_.code_here_.insert(function_).second) {
      ++owner_.counts_.code_fetches;
      steps.code_us = microseconds(owner_.dice_.log_normal(kCodeMedianUs, kCodeDeviation));
    }
    steps.boot_us = microseconds(owner_.dice_.log_normal(kStartMedianUs, kStartDeviation));
    const std::chrono::microseconds whole(steps.code_us + steps.boot_us);
    after(whole, [this, steps, whole] {
      owner_.counts_.start_us += static_cast<std::uint64_t>(whole.count());
      set_warm(true);
      become_idle();
      events_.loaded(name_, steps);
    });
  }

  // Nothing follows on a host that is lost.
  template <typename Then>
  void after(std::chrono::microseconds pause, Then then) {
    timer_ = owner_.loop_.at(owner_.loop_.now() + pause, [this, then = std::move(then)] {
      timer_ = 0;
      if (!owner_.lost_) {
        then();
      }
    });
  }

  void become_idle() {
    turn(Phase::kIdle);
    if (owner_.pauses_) {
      pause_timer_ = owner_.loop_.at(owner_.loop_.now() + kPauseAfter, [this] {
        pause_timer_ = 0;
        if (!owner_.lost_) {
          events_.paused(name_, owner_.functions_.used_mb(function_));
        }
      });
    }
  }

  void set_warm(bool warm) {
    if (warm != std::exchange(warm_, warm)) {
      warm ? owner_.warm_.add(function_) : owner_.warm_.remove(function_);
    }
  }

  worker::FinishedCall returned(std::chrono::microseconds run) const {
    worker::FinishedCall call;
    call.slot = slot_;
    call.run_us = run.count();
    call.handler_us = run.count();
    call.reusable = true;
    return call;
  }

  void turn(Phase phase) {
    count(std::exchange(phase_, phase), -1);
    count(phase_, 1);
  }
  // One more or one less is in this phase.
  void count(Phase phase, int by) {
    InstanceCounts& counts = owner_.counts_;
    const std::int64_t memory_mb = phase == Phase::kIdle ? 0 : std::int64_t{memory_mb_};
    counts.busy_mb += static_cast<std::uint64_t>(by * memory_mb);
    counts.busy_mb_squared += static_cast<std::uint64_t>(by * memory_mb * memory_mb);
    counts.starting += phase == Phase::kStarting ? static_cast<std::uint32_t>(by) : 0U;
    counts.executing += phase == Phase::kExecuting ? static_cast<std::uint32_t>(by) : 0U;
  }

  SimInstances& owner_;
  worker::InstanceEvents& events_;
  const std::string name_;
  const std::uint32_t function_;
  const std::uint32_t memory_mb_;
  std::uint32_t slot_ = 0;
  Phase phase_ = Phase::kIdle;
  base::TimerId timer_ = 0;
  base::TimerId end_timer_ = 0;
  base::TimerId pause_timer_ = 0;
  bool warm_ = false;
};

std::unique_ptr<worker::Instance> SimInstances::start(worker::InstanceStart start,
                                                      worker::InstanceEvents& events) {
  return std::make_unique<SimInstance>(*this, std::move(start), events);
}

std::unique_ptr<worker::Instance> SimInstances::prestart(worker::Prestart, worker::InstanceEvents&) {
  return nullptr;  // the simulated workers keep none
}

InstanceTime SimInstances::time() const {
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(loop_.now() - counted_at_);
  const std::chrono::duration<double, std::ratio<60>> minutes = since;
  return {time_.instances + since * counts_.live,
          time_.mb_minutes + static_cast<double>(counts_.live_mb) * minutes.count()};
}

void SimInstances::count_live(int by, std::uint32_t memory_mb) {
  time_ = time();
  counted_at_ = loop_.now();
  counts_.live += static_cast<std::uint32_t>(by);
  counts_.live_mb += static_cast<std::uint64_t>(by * std::int64_t{memory_mb});
}

}  // namespace hearth::sim
