#include "bench/report/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "bench/report/words.h"

namespace hearth::bench {
namespace {

constexpr double kWantedTicks = 8;
constexpr double kLargest = 1e18;  // beyond it lie broken values

struct Unit {
  double size;
  const char* name;
};

constexpr std::array<Unit, 4> kTimes = {{{1e3, "ms"}, {1e6, "s"}, {6e7, "min"}, {3.6e9, "h"}}};
constexpr std::array<Unit, 5> kBytes = {
    {{1024, "KB"}, {1048576, "MB"}, {1073741824, "GB"}, {1099511627776, "TB"}, {1125899906842624, "PB"}}};

// A short number: "1,500", "0.3".
std::string number(double value) {
  if (value >= 1e4 && value < 1e12 && value == std::floor(value)) {
    return count_text(static_cast<std::uint64_t>(value));
  }
  return value >= 1e3 && value < 1e4 && value == std::floor(value)
             ? count_text(static_cast<std::uint64_t>(value))
             : fmt::format("{:.6g}", value);
}

template <std::size_t kCount>
std::string in_units(double value, const char* smallest, const std::array<Unit, kCount>& units) {
  Unit best{1, smallest};
  for (const Unit& unit : units) {
    best = value >= unit.size ? unit : best;
  }
  return fmt::format("{} {}", number(value / best.size), best.name);
}

// The unit that an axis up to `high` counts in, so that its even steps are round there.
double unit_size(double high, Quantity quantity) {
  double size = 1;
  const auto largest_below = [&](double value, const auto& units) {
    for (const Unit& unit : units) {
      size = value > 2 * unit.size ? unit.size : size;
    }
  };
  if (quantity == Quantity::kMicroseconds) {
    largest_below(high, kTimes);
  } else if (quantity == Quantity::kMilliseconds) {
    largest_below(high * 1e3, kTimes);
    size = std::max(size / 1e3, 1.0);
  } else if (quantity == Quantity::kBytes) {
    largest_below(high, kBytes);
  }
  return size;
}

// 1, 2 or 5 times a power of ten: the largest such number up to `value`, or the smallest from it on.
double round_down(double value) {
  const double power = std::pow(10, std::floor(std::log10(value)));
  const double digits = value / power * (1 + 1e-9);
  return power * (digits >= 5 ? 5 : digits >= 2 ? 2 : 1);
}

double round_up(double value) {
  const double power = std::pow(10, std::floor(std::log10(value)));
  const double digits = value / power * (1 - 1e-9);
  return power * (digits <= 1 ? 1 : digits <= 2 ? 2 : digits <= 5 ? 5 : 10);
}

std::vector<double> usable(const std::vector<double>& values) {
  std::vector<double> found;
  std::ranges::copy_if(values, std::back_inserter(found),
                       [](double value) { return std::isfinite(value) && std::abs(value) <= kLargest; });
  return found;
}

// Every round candidate between both ends, from one below `low` on.
std::vector<double> decimal_candidates(double low, double high) {
  std::vector<double> found;
  const double decades = std::log10(high / low);
  for (double power = std::pow(10, std::floor(std::log10(low))); power <= high * 10; power *= 10) {
    for (const double digit : {1.0, 2.0, 5.0}) {
      if (digit == 1 || decades < 2.5) {
        found.push_back(power * digit);
      }
    }
  }
  return found;
}

std::vector<double> byte_candidates(double low, double high) {
  const double octaves = std::log2(high / low);
  const double step = octaves <= 8 ? 1 : octaves <= 16 ? 2 : 5;
  std::vector<double> found;
  for (double power = step * std::floor(std::log2(low) / step); power <= std::log2(high) + step;
       power += step) {
    found.push_back(std::exp2(power));
  }
  return found;
}

std::vector<double> interval_candidates(double low, double high) {
  if (high / low < 300) {
    return {1,   2,   5,   10,   20,  50,  100,  200,  500,   1e3,   2e3,   5e3,   1e4,
            2e4, 3e4, 6e4, 12e4, 3e5, 6e5, 12e5, 18e5, 3.6e6, 7.2e6, 1.8e7, 3.6e7, 8.64e7};
  }
  return {1, 10, 100, 1e3, 1e4, 6e4, 6e5, 3.6e6, 3.6e7, 3.6e8};
}

std::vector<double> candidates(double low, double high, Quantity quantity) {
  switch (quantity) {
    case Quantity::kBytes:
      return byte_candidates(low, high);
    case Quantity::kMilliseconds:
      return interval_candidates(low, high);
    case Quantity::kNumber:
    case Quantity::kMicroseconds:
      break;
  }
  return decimal_candidates(low, high);
}

}  // namespace

double Axis::place(double value) const {
  if (steps == Steps::kEven) {
    return (value - low) / (high - low);
  }
  return value > 0 ? std::log(value / low) / std::log(high / low) : 0;
}

std::string tick_text(double value, Quantity quantity) {
  if (value == 0 || value < 0) {
    return fmt::format("{:.6g}", value == 0 ? 0.0 : value);
  }
  switch (quantity) {
    case Quantity::kMicroseconds:
      return in_units(value, "µs", kTimes);
    case Quantity::kMilliseconds:
      return in_units(value * 1e3, "µs", kTimes);
    case Quantity::kBytes:
      return in_units(value, "B", kBytes);
    case Quantity::kNumber:
      break;
  }
  return number(value);
}

Axis even_axis(const std::vector<double>& values, Quantity quantity, bool from_zero) {
  const auto all = usable(values);
  double low = all.empty() ? 0 : *std::ranges::min_element(all);
  double high = all.empty() ? 1 : *std::ranges::max_element(all);
  low = from_zero && low >= 0 ? 0 : low;
  if (high - low <= std::abs(high) * 1e-9) {
    const double margin = high == 0 ? 1 : std::abs(high) / 2;
    low = low == 0 ? 0 : low - margin;
    high += margin;
  }
  const double unit = unit_size(high, quantity);
  const double step = unit * round_up((high - low) / unit / kWantedTicks);
  const double first = std::floor(low / step + 1e-9);
  const double last = std::max(std::ceil(high / step - 1e-9), first + 1);
  Axis axis{Steps::kEven, first * step, last * step, {}};
  for (double at = first; at <= last; ++at) {
    axis.ticks.push_back({at * step, tick_text(at * step, quantity)});
  }
  return axis;
}

Axis times_axis(const std::vector<double>& values, Quantity quantity) {
  auto all = usable(values);
  const bool zero = std::erase_if(all, [](double value) { return value < 1e-9; }) > 0;
  double low = all.empty() ? 1 : *std::ranges::min_element(all);
  double high = all.empty() ? 10 : *std::ranges::max_element(all);
  const auto round = candidates(low, high, quantity);
  const auto below =
      std::ranges::find_if(round.rbegin(), round.rend(), [&](double v) { return v <= low * 1.000001; });
  const auto above = std::ranges::find_if(round, [&](double v) { return v >= high * 0.999999; });
  low = below == round.rend() ? round_down(low) : *below;
  high = above == round.end() ? round_up(high) : *above;
  high = high / low < 1.5 ? low * (quantity == Quantity::kBytes ? 4 : 10) : high;
  Axis axis{Steps::kTimes, low, high, {}};
  for (const double value : round) {
    if (value >= low * 0.999 && value <= high * 1.001) {
      axis.ticks.push_back({value, tick_text(value, quantity)});
    }
  }
  if (zero) {
    const double room = std::pow(high / low, 0.12);
    axis.low = low / room;
    axis.ticks.insert(axis.ticks.begin(), {axis.low, "0"});
  }
  return axis;
}

Axis ending_at(Axis axis, const std::vector<double>& values) {
  const auto all = usable(values);
  if (all.empty()) {
    return axis;
  }
  const bool times = axis.steps == Steps::kTimes;
  const auto [low, high] = std::ranges::minmax(all);
  if (low == high && (low > 0 || !times)) {
    axis.low = times ? low / 2 : low - 1;
    axis.high = times ? low * 2 : low + 1;
  } else if (high > 0 || !times) {
    axis.low = times && low <= 0 ? axis.low : low;
    axis.high = high;
  }
  std::erase_if(axis.ticks, [&](const Tick& tick) {
    const double at = axis.place(tick.value);
    return at < -1e-9 || at > 1 + 1e-9;
  });
  return axis;
}

Axis with_ticks_at(Axis axis, std::vector<double> values, Quantity quantity, double gap) {
  values = usable(values);
  std::ranges::sort(values);
  values.erase(std::unique(values.begin(), values.end()), values.end());
  std::vector<Tick> ticks;
  double before = -1;
  for (const double value : values) {
    const double at = axis.place(value);
    if (at - before < gap) {
      return axis;
    }
    before = at;
    ticks.push_back({value > 0 || axis.steps == Steps::kEven ? value : axis.low, tick_text(value, quantity)});
  }
  axis.ticks = ticks.empty() ? axis.ticks : ticks;
  return axis;
}

}  // namespace hearth::bench
