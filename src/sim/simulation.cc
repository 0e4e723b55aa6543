#include "sim/simulation.h"

#include <cmath>
#include <numbers>
#include <utility>
#include <variant>

#include "sim/functions.h"
#include "sim/latency_histogram.h"
#include "sim/platform.h"
#include "sim/sampler.h"
#include "sim/sim_loop.h"

namespace hearth::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

constexpr std::uint64_t kFunctionSeed = 0x66756e63;
constexpr std::uint64_t kLoadSeed = 0x6c6f6164;
// Of all memory, what the warm-up fills at most with functions that would be warm already.
constexpr double kWarmedMemory = 0.9;

std::uint64_t whole_seconds(microseconds duration) {
  return static_cast<std::uint64_t>(std::chrono::ceil<seconds>(duration).count());
}

class Simulation {
 public:
  explicit Simulation(const Settings& settings)
      : settings_(settings),
        functions_(settings.load, Dice(settings.seed ^ kFunctionSeed)),
        dice_(settings.seed ^ kLoadSeed),
        platform_(settings, functions_, loop_) {}

  Report run(const std::function<bool(const Progress&)>& on_progress);

 private:
  void warm();
  void next_arrival();
  double rate_now() const;
  void call(std::uint32_t function);
  void ended(base::TimePoint began, const dispatch::Answer& answer);
  void lose_workers(std::uint64_t second);
  void finish(const Sampler& sampler);

  const Settings settings_;
  const Functions functions_;
  SimLoop loop_;
  Dice dice_;
  Platform platform_;
  Report report_;
  base::TimePoint began_{};  // of the warm-up
  base::TimePoint measured_from_ = base::TimePoint::max();
  std::uint64_t calls_ = 0;
  double run_ms_ = 0;
  LatencyHistogram own_part_;
  LatencyHistogram own_part_warm_;
  LatencyHistogram own_part_cold_;
};

// The day begins at its lowest.
double Simulation::rate_now() const {
  const double day =
      std::chrono::duration<double>(loop_.now() - began_) / std::chrono::duration<double>(settings_.load.day);
  return settings_.load.rate * (1 - settings_.load.swing * std::cos(2 * std::numbers::pi * day));
}

// Arrivals as a Poisson process of the day's highest rate, of which some are left out.
void Simulation::next_arrival() {
  const double most = settings_.load.rate * (1 + settings_.load.swing);
  const double pause_us = dice_.exponential(1e6 / most);
  loop_.at(loop_.now() + std::chrono::duration_cast<base::Duration>(
                             std::chrono::duration<double, std::micro>(pause_us)),
           [this, most] {
             if (dice_.share() * most < rate_now()) {
               call(functions_.pick(dice_));
             }
             next_arrival();
           });
}

// Whom the load would have called within a keep-alive is called once, by the chance of that, so that the
// measurement begins as if the platform had been up for long.
void Simulation::warm() {
  double memory_mb = kWarmedMemory * settings_.memory_mb * settings_.workers;
  const double kept_calls = settings_.load.rate * std::chrono::duration<double>(settings_.keep_alive).count();
  for (std::uint32_t function = 0; function < functions_.size() && memory_mb > 0; ++function) {
    const double warm = 1 - std::exp(-functions_.share(function) * kept_calls);
    const double after_us = dice_.share() * static_cast<double>(settings_.warm_up.count());
    if (dice_.share() < warm) {
      memory_mb -= functions_.version(function)->memory_mb;
      loop_.at(loop_.now() + microseconds(static_cast<std::int64_t>(after_us)),
               [this, function] { call(function); });
    }
  }
}

void Simulation::call(std::uint32_t function) {
  ++calls_;
  platform_.call(function, [this, began = loop_.now()](dispatch::Answer&& answer) { ended(began, answer); });
}

void Simulation::ended(base::TimePoint began, const dispatch::Answer& answer) {
  if (loop_.now() < measured_from_) {
    return;
  }
  const auto at = static_cast<std::size_t>((loop_.now() - measured_from_) / seconds(1));
  if (at >= report_.seconds.size()) {
    return;
  }
  Second& second = report_.seconds[at];
  ++second.calls;
  second.refused += answer.steps.refusals > 0 ? 1U : 0U;
  const auto* execution = std::get_if<model::Execution>(&answer.result);
  if (execution == nullptr) {
    ++second.rejected;
    return;
  }
  if (execution->outcome.kind != model::OutcomeKind::kReturned) {
    ++second.failed;
    return;
  }
  const model::ExecutionSteps& steps = execution->steps;
  second.cold += steps.cold ? 1U : 0U;
  run_ms_ += static_cast<double>(steps.run_us) / 1e3;
  const auto own_part =
      std::chrono::duration_cast<microseconds>(loop_.now() - began) - microseconds(steps.run_us);
  own_part_.add(own_part);
  (steps.cold ? own_part_cold_ : own_part_warm_).add(own_part);
}

void Simulation::lose_workers(std::uint64_t second) {
  report_.lost_at_s = second;
  report_.workers_lost = static_cast<std::uint32_t>(std::lround(settings_.loss.share * settings_.workers));
  platform_.lose_workers(report_.workers_lost);
}

Report Simulation::run(const std::function<bool(const Progress&)>& on_progress) {
  const std::uint64_t warm_up = whole_seconds(settings_.warm_up);
  const std::uint64_t measured = whole_seconds(settings_.duration);
  const std::uint64_t lose_at = settings_.loss.at ? whole_seconds(*settings_.loss.at) : measured * 3 / 5;
  began_ = loop_.now();
  platform_.open();
  warm();
  next_arrival();
  bool go_on = true;
  for (std::uint64_t second = 0; second < warm_up && go_on; ++second) {
    loop_.run_until(began_ + seconds(second + 1));
    go_on = on_progress({second + 1, warm_up + measured, calls_});
  }
  platform_.charge();
  measured_from_ = loop_.now();
  Sampler sampler(settings_, platform_);
  report_.seconds.resize(measured);
  std::uint64_t second = 0;
  for (; second < measured && go_on; ++second) {
    if (second == lose_at && settings_.loss.share > 0) {
      lose_workers(second);
    }
    loop_.run_until(measured_from_ + seconds(second + 1));
    sampler.sample();
    go_on = on_progress({warm_up + second + 1, warm_up + measured, calls_});
  }
  report_.seconds.resize(second);
  finish(sampler);
  return std::move(report_);
}

void Simulation::finish(const Sampler& sampler) {
  report_.settings = settings_;
  for (const Second& second : report_.seconds) {
    report_.calls += second.calls;
    report_.cold += second.cold;
    report_.failed += second.failed;
    report_.rejected += second.rejected;
    report_.refused += second.refused;
  }
  report_.own_part = own_part_.percentiles();
  report_.own_part_warm = own_part_warm_.percentiles();
  report_.own_part_cold = own_part_cold_.percentiles();
  report_.run_mean_ms = own_part_.count() > 0 ? run_ms_ / static_cast<double>(own_part_.count()) : 0;
  sampler.report(report_);
  if (report_.workers_lost > 0) {
    report_.recovery = recovery_of(report_.seconds, report_.lost_at_s);
  }
  report_.ledgers_exact = platform_.ledgers_are_exact();
  report_.events = loop_.events();
}

}  // namespace

Report simulate(const Settings& settings, const std::function<bool(const Progress&)>& on_progress) {
  return Simulation(settings).run(on_progress);
}

}  // namespace hearth::sim
