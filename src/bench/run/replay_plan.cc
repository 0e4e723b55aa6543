#include "bench/run/replay_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <random>

namespace hearth::bench {
namespace {

using std::chrono::microseconds;
using std::chrono::minutes;

constexpr double kUnknownRunMs = 1'000;  // of a function whose run times the trace does not have
constexpr std::size_t kMedian = 3;
static_assert(trace::kRunPercentiles[kMedian] == 50);

base::Error bad(const std::string& message) { return {base::ErrorCode::kInvalidArgument, message}; }

// Each has a sequence of its own, so that who else is chosen changes nothing.
trace::Shares shares(std::uint64_t seed, std::uint64_t sequence) {
  std::seed_seq seeds{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32U),
                      static_cast<std::uint32_t>(sequence)};
  const auto engine = std::make_shared<std::mt19937_64>(seeds);
  return [engine] { return static_cast<double>((*engine)() >> 11U) * 0x1p-53; };
}

// Of the trace's time.
struct Window {
  microseconds begin{0};
  microseconds end{0};
};

Window window_of(const trace::Trace& trace, const ReplayWish& wish) {
  const microseconds begin = minutes(wish.from_minute);
  const double wished_us = static_cast<double>(microseconds(wish.duration).count()) * wish.time_scale;
  const double left_us = static_cast<double>((minutes(trace.minutes) - begin).count());
  return {begin, begin + microseconds(static_cast<std::int64_t>(std::min(wished_us, left_us)))};
}

struct Called {
  std::size_t place = 0;
  std::vector<microseconds> at;
};

// Those that are called within the window, with their calls.
base::Result<std::vector<Called>> called_in(const trace::Trace& trace, const ReplayWish& wish,
                                            const Window& window) {
  std::vector<Called> called;
  std::size_t calls = 0;
  for (std::size_t place = 0; place < trace.functions.size(); ++place) {
    trace::TraceCalls times(trace.functions[place], wish.arrivals, shares(wish.seed, place));
    Called one{place, {}};
    for (auto at = times.next(); at && *at < window.end; at = times.next()) {
      if (*at >= window.begin) {
        one.at.push_back(*at);
        ++calls;
      }
      if (calls > kMostReplayCalls) {
        return bad(
            fmt::format("these are more than {} calls: a shorter --duration has fewer", kMostReplayCalls));
      }
    }
    if (!one.at.empty()) {
      called.push_back(std::move(one));
    }
  }
  return called;
}

// So many of them, in the order of the trace.
void choose(std::vector<Called>& called, const ReplayWish& wish) {
  if (wish.functions == 0 || wish.functions >= called.size()) {
    return;
  }
  if (wish.most_called) {
    std::ranges::stable_sort(called,
                             [](const Called& a, const Called& b) { return a.at.size() > b.at.size(); });
  } else {
    const auto chance = shares(wish.seed, UINT32_MAX);
    for (std::size_t i = 0; i < wish.functions; ++i) {
      const auto further = static_cast<std::size_t>(chance() * static_cast<double>(called.size() - i));
      std::swap(called[i], called[i + further]);
    }
  }
  called.resize(wish.functions);
  std::ranges::sort(called, {}, &Called::place);
}

ReplayFunction replayed(const trace::Trace& trace, std::size_t place, double scale) {
  const trace::TracedFunction& function = trace.functions[place];
  const double median_ms = function.runs ? function.runs->percentiles_ms[kMedian] : kUnknownRunMs;
  const double run_ms =
      std::clamp(std::round(median_ms / scale), 1.0, static_cast<double>(kLongestReplayRun.count()));
  return {place, trace::memory_size_mb(function.memory), static_cast<std::uint32_t>(run_ms)};
}

bool is_cut(const trace::TracedFunction& function, double scale) {
  return function.runs &&
         function.runs->percentiles_ms[kMedian] / scale > static_cast<double>(kLongestReplayRun.count());
}

// All calls in the order of their times.
void order_calls(const std::vector<Called>& called, const Window& window, double scale, ReplayPlan& plan) {
  std::vector<std::pair<std::int64_t, std::uint32_t>> calls;
  for (std::uint32_t function = 0; function < called.size(); ++function) {
    for (const microseconds at : called[function].at) {
      const auto since_us = static_cast<double>((at - window.begin).count());
      calls.emplace_back(static_cast<std::int64_t>(since_us * 1e3 / scale), function);
    }
  }
  std::ranges::sort(calls);
  for (const auto& [due_ns, function] : calls) {
    plan.due_ns.push_back(due_ns);
    plan.called.push_back(function);
  }
}

}  // namespace

base::Result<ReplayPlan> plan_replay(const trace::Trace& trace, const ReplayWish& wish) {
  if (wish.from_minute >= trace.minutes) {
    return bad(fmt::format("--from {} is behind the trace's end: it has {} minutes", wish.from_minute,
                           trace.minutes));
  }
  const Window window = window_of(trace, wish);
  auto called = called_in(trace, wish, window);
  if (!called) {
    return called.error();
  }
  if (called->empty()) {
    return bad(fmt::format("no function is called in the {:.1f} minutes from minute {} of the trace on",
                           std::chrono::duration<double, std::ratio<60>>(window.end - window.begin).count(),
                           wish.from_minute));
  }
  choose(*called, wish);
  ReplayPlan plan;
  const auto length_us = static_cast<double>((window.end - window.begin).count());
  plan.duration = std::chrono::nanoseconds(static_cast<std::int64_t>(length_us * 1e3 / wish.time_scale));
  for (const Called& each : *called) {
    plan.functions.push_back(replayed(trace, each.place, wish.run_scale));
    plan.runs_cut += is_cut(trace.functions[each.place], wish.run_scale) ? 1U : 0U;
  }
  order_calls(*called, window, wish.time_scale, plan);
  return plan;
}

}  // namespace hearth::bench
