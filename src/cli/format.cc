#include "cli/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <ostream>

#include "base/text_units.h"

namespace hearth::cli {
namespace {

// Code points, which are columns for nearly every name.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t length) {
  int value = 0;
  const std::string_view part = text.substr(std::min(at, text.size()), length);
  const auto [end, failed] = std::from_chars(part.data(), part.data() + part.size(), value);
  if (part.size() != length || failed != std::errc() || end != part.data() + part.size() || value < 0) {
    return std::nullopt;
  }
  return value;
}

// ".123" as milliseconds; `at` moves behind it.
int fraction_ms(std::string_view text, std::size_t& at) {
  int value = 0;
  int scale = 100;
  if (at < text.size() && text[at] == '.') {
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
      value += (text[at] - '0') * scale;
      scale /= 10;
    }
  }
  return value;
}

}  // namespace

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array kUnits = {"B", "KB", "MB", "GB", "TB"};
  if (bytes < 1024) {
    return fmt::format("{} B", bytes);
  }
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1023.95 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return value < 9.95 ? fmt::format("{:.1f} {}", value, kUnits[unit])
                      : fmt::format("{:.0f} {}", value, kUnits[unit]);
}

std::string human_milliseconds(double milliseconds) {
  if (milliseconds < 9.995) {
    return fmt::format("{:.2f} ms", milliseconds);
  }
  if (milliseconds < 999.5) {
    return fmt::format("{:.1f} ms", milliseconds);
  }
  if (milliseconds < 60'000) {
    return fmt::format("{:.2f} s", milliseconds / 1000);
  }
  const auto seconds = static_cast<std::uint64_t>(milliseconds / 1000);
  return fmt::format("{} min {} s", seconds / 60, seconds % 60);
}

std::string human_setting(std::uint64_t milliseconds) {
  return base::format_duration(std::chrono::milliseconds(milliseconds));
}

std::string human_seconds(std::uint64_t seconds) {
  if (seconds < 120) {
    return fmt::format("{} s", seconds);
  }
  if (seconds < 2 * 3600) {
    return fmt::format("{} min", seconds / 60);
  }
  if (seconds < 48 * 3600) {
    return fmt::format("{} h", seconds / 3600);
  }
  return fmt::format("{} days", seconds / 86'400);
}

base::Result<std::chrono::milliseconds> parse_milliseconds(std::string_view text) {
  const auto duration = base::parse_duration(text);
  if (!duration) {
    return duration.error();
  }
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(*duration);
  if (milliseconds.count() < 1) {
    return base::Error{base::ErrorCode::kInvalidArgument,
                       fmt::format("\"{}\" is too short: at least 1ms", text)};
  }
  return milliseconds;
}

std::optional<std::int64_t> parse_time(std::string_view text) {
  const auto year = digits(text, 0, 4);
  const auto month = digits(text, 5, 2);
  const auto day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2);
  const auto minute = digits(text, 14, 2);
  const auto second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) {
    return std::nullopt;
  }
  std::tm parts{};
  parts.tm_year = *year - 1900;
  parts.tm_mon = *month - 1;
  parts.tm_mday = *day;
  parts.tm_hour = *hour;
  parts.tm_min = *minute;
  parts.tm_sec = *second;
  std::size_t at = 19;
  const int milliseconds = fraction_ms(text, at);
  if (text.substr(at) != "Z") {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(::timegm(&parts)) * 1000 + milliseconds;
}

std::string human_age(std::string_view rfc3339, std::int64_t now_ms) {
  const auto then_ms = parse_time(rfc3339);
  if (!then_ms) {
    return printable(rfc3339);
  }
  return human_seconds(static_cast<std::uint64_t>(std::max<std::int64_t>(0, now_ms - *then_ms)) / 1000) +
         " ago";
}

std::string age_or_dash(std::string_view rfc3339, std::int64_t now_ms) {
  return rfc3339.empty() ? "-" : human_age(rfc3339, now_ms);
}

std::string with_age(std::string_view rfc3339, std::int64_t now_ms) {
  return rfc3339.empty() ? "" : std::string(rfc3339) + "  (" + human_age(rfc3339, now_ms) + ")";
}

std::string printable(std::string_view text) {
  std::string shown(text);
  std::ranges::replace_if(shown, is_control, '?');
  return shown;
}

std::string printable_lines(std::string_view text) {
  std::string shown(text);
  std::ranges::replace_if(
      shown, [](char c) { return is_control(c) && c != '\n' && c != '\t'; }, '?');
  return shown;
}

void Table::print(std::ostream& out) const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], width(row[i]));
    }
  }
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::size_t padding = i + 1 < row.size() ? widths[i] - width(row[i]) + 2 : 0;
      line.append(printable(row[i])).append(padding, ' ');
    }
    out << line << '\n';
  }
}

}  // namespace hearth::cli
