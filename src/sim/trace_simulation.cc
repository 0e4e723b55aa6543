#include "sim/trace_simulation.h"

#include <algorithm>
#include <deque>
#include <utility>
#include <variant>

#include "sim/latency_histogram.h"
#include "sim/platform.h"
#include "sim/sim_loop.h"

namespace hearth::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::minutes;

constexpr std::uint64_t kArrivalSeed = 0x61727269;
// More than all functions of a trace of a hundred take with every instance that a burst could need.
constexpr std::uint32_t kMemoryForAllMb = 1U << 20U;

std::vector<ToldFunction> told_functions(const trace::Trace& trace, Arrivals arrivals) {
  std::vector<ToldFunction> told;
  for (const trace::TracedFunction& function : trace.functions) {
    told.push_back(told_function(function, arrivals));
  }
  return told;
}

// What one run is of.
struct Variant {
  worker::KeepAliveKind policy = worker::KeepAliveKind::kFixed;
  double overcommit = 1;
};

std::vector<Variant> variants_of(const TraceSettings& settings) {
  std::vector<Variant> variants;
  for (const worker::KeepAliveKind policy : settings.policies) {
    for (const double overcommit : settings.overcommits) {
      variants.push_back({policy, overcommit});
    }
  }
  return variants;
}

Settings with(Settings settings, const Variant& variant) {
  settings.keep_alive_policy = variant.policy;
  settings.overcommit = variant.overcommit;
  return settings;
}

// One variant's run.
class TraceRun {
 public:
  TraceRun(const TraceSettings& settings, const Variant& variant, const trace::Trace& trace);

  // Of so many minutes altogether, `done` are done already, with so many calls. False: it was ended.
  bool run(Progress done, const std::function<bool(const Progress&)>& on_progress);
  PolicyReport report() const;
  std::uint64_t calls_begun() const { return begun_; }

 private:
  void next_call(std::uint32_t function);
  void ended(base::TimePoint began, const dispatch::Answer& answer);
  void finish();

  const std::uint32_t minutes_;
  const Functions functions_;
  SimLoop loop_;
  Platform platform_;
  std::deque<TraceCalls> calls_;  // of each function
  base::TimePoint began_{};
  std::uint64_t begun_ = 0;
  PolicyReport report_;
  LatencyHistogram own_part_;
};

TraceRun::TraceRun(const TraceSettings& settings, const Variant& variant, const trace::Trace& trace)
    : minutes_(trace.minutes),
      functions_(told_functions(trace, settings.arrivals)),
      platform_(with(settings.platform, variant), functions_, loop_) {
  report_.policy = variant.policy;
  report_.overcommit = variant.overcommit;
  for (std::uint64_t i = 0; i < trace.functions.size(); ++i) {
    calls_.emplace_back(trace.functions[i], settings.arrivals,
                        shares_of(Dice(settings.platform.seed ^ (kArrivalSeed + (i << 32U)))));
  }
}

void TraceRun::next_call(std::uint32_t function) {
  const auto at = calls_[function].next();
  if (!at) {
    return;
  }
  loop_.at(began_ + *at, [this, function] {
    ++begun_;
    platform_.call(function,
                   [this, began = loop_.now()](dispatch::Answer&& answer) { ended(began, answer); });
    next_call(function);
  });
}

void TraceRun::ended(base::TimePoint began, const dispatch::Answer& answer) {
  const auto* execution = std::get_if<model::Execution>(&answer.result);
  ++report_.calls;
  if (execution == nullptr) {
    ++report_.rejected;
    return;
  }
  report_.cold += execution->steps.cold ? 1U : 0U;
  own_part_.add(std::chrono::duration_cast<microseconds>(loop_.now() - began) -
                microseconds(execution->steps.run_us));
}

bool TraceRun::run(Progress done, const std::function<bool(const Progress&)>& on_progress) {
  platform_.open();
  platform_.charge();
  loop_.run_until(loop_.now() + std::chrono::seconds(1));  // what is offered is known
  began_ = loop_.now();
  for (std::uint32_t function = 0; function < functions_.size(); ++function) {
    next_call(function);
  }
  for (std::uint32_t minute = 0; minute < minutes_; ++minute) {
    loop_.run_until(began_ + minutes(minute + 1));
    if (!on_progress({done.second + (minute + 1) * 60, done.seconds, done.calls + begun_})) {
      return false;
    }
  }
  finish();
  return true;
}

// What instances there were is counted to the trace's end; then the calls that are under way may end.
void TraceRun::finish() {
  for (const Host& host : platform_.hosts()) {
    const InstanceTime time = host.instances->time();
    report_.warm_minutes += std::chrono::duration<double, std::ratio<60>>(time.instances).count();
    report_.memory_gb_hours += time.mb_minutes / 1'024 / 60;
    const worker::WorkerSnapshot snapshot = host.worker->snapshot();
    report_.started += snapshot.instances_started;
    report_.prewarmed += snapshot.instances_prewarmed;
    report_.evicted += snapshot.instances_evicted;
  }
  const WarmFunctions& warm = platform_.warm_functions();
  report_.warm_functions =
      std::chrono::duration<double, std::ratio<60>>(warm.time()).count() / static_cast<double>(minutes_);
  report_.warm_functions_most = warm.peak();
  loop_.run_until(loop_.now() + 2 * kLongestRun);
  for (const Host& host : platform_.hosts()) {
    report_.killed += host.instances->counts().killed;
  }
  report_.unanswered = begun_ - report_.calls;
  report_.own_part = own_part_.percentiles();
  report_.ledgers_exact = platform_.ledgers_are_exact();
}

PolicyReport TraceRun::report() const { return report_; }

}  // namespace

TraceSettings TraceSettings::defaults() {
  TraceSettings settings;
  Settings& platform = settings.platform;
  platform.workers = 1;
  platform.gateways = 1;
  platform.memory_mb = kMemoryForAllMb;
  platform.messaging.servers = 1;
  platform.messaging.announce_again = microseconds(0);
  return settings;
}

TraceReport simulate_trace(const TraceSettings& settings, const trace::Trace& trace,
                           const std::function<bool(const Progress&)>& on_progress) {
  TraceReport report;
  report.settings = settings;
  report.minutes = trace.minutes;
  report.functions = trace.functions.size();
  for (const trace::TracedFunction& function : trace.functions) {
    report.functions_called += function.calls.empty() ? 0U : 1U;
    report.without_runs += function.runs ? 0U : 1U;
    report.without_memory += function.memory ? 0U : 1U;
  }
  const auto variants = variants_of(settings);
  Progress done{0, variants.size() * trace.minutes * 60, 0};
  for (const Variant& variant : variants) {
    TraceRun run(settings, variant, trace);
    if (!run.run(done, on_progress)) {
      break;
    }
    report.policies.push_back(run.report());
    done.second += std::uint64_t{trace.minutes} * 60;
    done.calls += run.calls_begun();
  }
  return report;
}

}  // namespace hearth::sim
