// Axes of charts: where a value stands between both ends, and ticks at numbers that people call round.
// Pure. Any thread.
#pragma once

#include <string>
#include <vector>

namespace hearth::bench {

// What an axis counts; decides what is round and how a tick reads.
enum class Quantity { kNumber, kMicroseconds, kMilliseconds, kBytes };

enum class Steps { kEven, kTimes };  // linear, logarithmic

struct Tick {
  double value = 0;
  std::string text;

  bool operator==(const Tick&) const = default;
};

struct Axis {
  Steps steps = Steps::kEven;
  double low = 0;
  double high = 1;
  std::vector<Tick> ticks;

  // 0 at the low end, 1 at the high; beyond them outside of the axis. On a logarithmic axis what is not
  // positive stands at the low end.
  double place(double value) const;
  bool operator==(const Axis&) const = default;
};

// "2,000", "50 µs", "10 min", "64 KB".
std::string tick_text(double value, Quantity quantity);

// Through all finite values, and through 0 when they are not negative and `from_zero` says so.
Axis even_axis(const std::vector<double>& values, Quantity quantity, bool from_zero);

// Through all positive values. When there are values of 0, the low end stands for 0 and says so.
Axis times_axis(const std::vector<double>& values, Quantity quantity);

// From the least to the greatest of these values rather than from tick to tick; a single one stands in the
// middle.
Axis ending_at(Axis axis, const std::vector<double>& values);

// Ticks at the values themselves where no two come closer than `gap` (a part of the axis), else as they are.
Axis with_ticks_at(Axis axis, std::vector<double> values, Quantity quantity, double gap);

}  // namespace hearth::bench
