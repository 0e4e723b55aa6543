#include "base/text_units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

#include "base/units.h"

namespace hearth::base {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr std::array kDurations = {Unit{"us", 1},   Unit{"ms", 1e3},   Unit{"s", 1e6},
                                   Unit{"m", 60e6}, Unit{"h", 3600e6}, Unit{"d", 86'400e6}};
constexpr std::array kSizes = {Unit{"", 1},
                               Unit{"B", 1},
                               Unit{"KB", 1e3},
                               Unit{"MB", 1e6},
                               Unit{"GB", 1e9},
                               Unit{"KiB", static_cast<double>(kKiB)},
                               Unit{"MiB", static_cast<double>(kMiB)},
                               Unit{"GiB", static_cast<double>(kGiB)}};

// Beyond it a double no longer holds every whole number.
constexpr double kLargest = 9e15;

// The number times its unit's factor; negative when the text is not one.
template <std::size_t Count>
double parse(std::string_view text, const std::array<Unit, Count>& units) {
  double number = 0;
  const auto parsed =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (parsed.ec != std::errc{} || number < 0) {
    return -1;
  }
  const std::string_view name(parsed.ptr, static_cast<std::size_t>(text.data() + text.size() - parsed.ptr));
  for (const Unit& unit : units) {
    if (unit.name == name && number * unit.factor <= kLargest) {
      return number * unit.factor;
    }
  }
  return -1;
}

}  // namespace

Result<std::chrono::microseconds> parse_duration(std::string_view text) {
  const double us = text == "0" ? 0 : parse(text, kDurations);
  if (us < 0) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("\"{}\" is no duration: write a number and us, ms, s, m, h or d, as in 30s", text)};
  }
  return std::chrono::microseconds(std::llround(us));
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
  const double bytes = parse(text, kSizes);
  if (bytes < 0 || bytes != std::floor(bytes)) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("\"{}\" is no size: write a number and KiB, MiB, GiB, KB, MB or GB, as in 6MiB", text)};
  }
  return static_cast<std::uint64_t>(bytes);
}

std::string format_duration(std::chrono::microseconds duration) {
  const auto us = duration.count();
  if (us != 0 && us % 60'000'000 == 0) {
    return fmt::format("{}m", us / 60'000'000);
  }
  if (us >= 1'000'000) {
    return fmt::format("{:.4g}s", static_cast<double>(us) / 1e6);
  }
  if (us >= 1'000) {
    return fmt::format("{:.4g}ms", static_cast<double>(us) / 1e3);
  }
  return fmt::format("{}us", us);
}

}  // namespace hearth::base
