#include "bench/run/levels.h"

#include <fmt/format.h>

#include <charconv>
#include <functional>
#include <string>

#include "base/text_units.h"

namespace hearth::bench {
namespace {

using base::Error;
using base::ErrorCode;
using std::chrono::milliseconds;

// Calls `take` for each piece between commas until one fails.
base::Result<void> for_each_piece(std::string_view text,
                                  const std::function<base::Result<void>(std::string_view)>& take) {
  for (;;) {
    const std::size_t end = text.find(',');
    if (auto taken = take(text.substr(0, end)); !taken) {
      return taken;
    }
    if (end == std::string_view::npos) {
      return {};
    }
    text.remove_prefix(end + 1);
  }
}

// "A..B" as both; one value as twice the same.
std::pair<std::string_view, std::string_view> ends_of(std::string_view piece) {
  const std::size_t dots = piece.find("..");
  return dots == std::string_view::npos ? std::pair(piece, piece)
                                        : std::pair(piece.substr(0, dots), piece.substr(dots + 2));
}

Error bad(std::string_view piece, std::string_view wanted) {
  return {ErrorCode::kInvalidArgument, fmt::format("'{}' is not {}", piece, wanted)};
}

base::Result<std::uint32_t> parse_level(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || value < 1 || value > kHighestLevel) {
    return bad(text, fmt::format("a number from 1 to {}, or a range such as 1..15", kHighestLevel));
  }
  return value;
}

base::Result<milliseconds> parse_interval(std::string_view text) {
  const auto value = base::parse_duration(text);
  if (!value || *value < milliseconds(1)) {
    return bad(text, "a duration of 1ms or more, or a range such as 1m..30m");
  }
  return std::chrono::duration_cast<milliseconds>(*value);
}

// One of the unit that a duration is written in.
base::Result<milliseconds> unit_of(std::string_view text) {
  const std::size_t digits = text.find_first_not_of("0123456789.");
  return parse_interval("1" + std::string(digits == std::string_view::npos ? "" : text.substr(digits)));
}

}  // namespace

base::Result<std::vector<std::uint32_t>> parse_levels(std::string_view text) {
  std::vector<std::uint32_t> levels;
  const auto done = for_each_piece(text, [&](std::string_view piece) -> base::Result<void> {
    const auto [first_text, last_text] = ends_of(piece);
    const auto first = parse_level(first_text);
    const auto last = parse_level(last_text);
    if (!first || !last) {
      return first ? last.error() : first.error();
    }
    if (*last < *first || *last - *first >= kMostLevels || levels.size() >= kMostLevels) {
      return bad(piece, fmt::format("a range upwards of at most {} levels", kMostLevels));
    }
    for (std::uint32_t level = *first; level <= *last; ++level) {
      levels.push_back(level);
    }
    return {};
  });
  return done ? base::Result<std::vector<std::uint32_t>>(std::move(levels)) : done.error();
}

base::Result<std::vector<milliseconds>> parse_intervals(std::string_view text) {
  std::vector<milliseconds> intervals;
  const auto done = for_each_piece(text, [&](std::string_view piece) -> base::Result<void> {
    const auto [first_text, last_text] = ends_of(piece);
    const auto first = parse_interval(first_text);
    const auto last = parse_interval(last_text);
    const auto step = unit_of(first_text);
    if (!first || !last || !step) {
      return first ? (last ? step.error() : last.error()) : first.error();
    }
    if (*last < *first || (*last - *first) / *step >= kMostLevels || intervals.size() >= kMostLevels) {
      return bad(piece, fmt::format("a range upwards of at most {} intervals", kMostLevels));
    }
    for (milliseconds interval = *first; interval <= *last; interval += *step) {
      intervals.push_back(interval);
    }
    return {};
  });
  return done ? base::Result<std::vector<milliseconds>>(std::move(intervals)) : done.error();
}

base::Result<std::vector<std::uint64_t>> parse_sizes(std::string_view text) {
  std::vector<std::uint64_t> sizes;
  const auto done = for_each_piece(text, [&](std::string_view piece) -> base::Result<void> {
    const auto size = base::parse_bytes(piece);
    if (!size || *size == 0) {
      return bad(piece, "a size such as 500B, 1KB, 6MB");
    }
    sizes.push_back(*size);
    return {};
  });
  return done ? base::Result<std::vector<std::uint64_t>>(std::move(sizes)) : done.error();
}

}  // namespace hearth::bench
