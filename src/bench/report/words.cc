#include "bench/report/words.h"

#include <fmt/format.h>

#include <cmath>

#include "cli/format.h"

namespace hearth::bench {
namespace {

// Whole milliseconds without a fraction that says nothing: "1 s", "250 ms".
std::string interval_text(double milliseconds) {
  const bool whole_minutes = milliseconds >= 60'000 && std::fmod(milliseconds, 60'000) == 0;
  if (whole_minutes) {
    return fmt::format("{:.0f} min", milliseconds / 60'000);
  }
  if (milliseconds >= 60'000) {
    return cli::human_milliseconds(milliseconds);
  }
  return milliseconds >= 1000 ? fmt::format("{} s", milliseconds / 1000) : fmt::format("{} ms", milliseconds);
}

}  // namespace

std::string latency_text(double microseconds) {
  if (!std::isfinite(microseconds)) {
    return "-";
  }
  return microseconds < 999.5 ? fmt::format("{:.0f} µs", microseconds)
                              : cli::human_milliseconds(microseconds / 1000);
}

std::string rate_text(double per_second) {
  if (!std::isfinite(per_second)) {
    return "-";
  }
  if (std::abs(per_second) < 9.995) {
    return fmt::format("{:.2f}", per_second);
  }
  if (std::abs(per_second) < 999.5) {
    return fmt::format("{:.1f}", per_second);
  }
  return per_second < 0 || per_second > 1e15
             ? fmt::format("{:.3g}", per_second)
             : count_text(static_cast<std::uint64_t>(std::llround(per_second)));
}

std::string count_text(std::uint64_t count) {
  const std::string digits = fmt::format("{}", count);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) {
      text += ',';
    }
    text += digits[i];
  }
  return text;
}

std::string spread_text(const Spread& spread) {
  if (spread.count < 2 || spread.median <= 0) {
    return "-";
  }
  const double percent = 50 * (spread.max - spread.min) / spread.median;
  return percent < 9.95 ? fmt::format("±{:.1f}%", percent) : fmt::format("±{:.0f}%", percent);
}

std::string x_text(const RunResult& run, double x, const std::string& label) {
  if (!label.empty()) {
    return label;
  }
  if (!std::isfinite(x)) {
    return "-";
  }
  if (run.x_unit == "bytes" && x >= 0 && x < 1e18) {
    return cli::human_bytes(static_cast<std::uint64_t>(x));
  }
  if (run.x_unit == "ms" && x >= 0) {
    return interval_text(x);
  }
  return run.x_unit.empty() ? fmt::format("{}", x) : fmt::format("{} {}", x, run.x_unit);
}

std::string x_title(const RunResult& run) {
  const std::string name = run.x_name.empty() ? "x" : run.x_name;
  return run.x_unit.empty() ? name : fmt::format("{} ({})", name, run.x_unit);
}

}  // namespace hearth::bench
