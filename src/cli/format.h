// Sizes, times and tables as people read them. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::cli {

std::string human_bytes(std::uint64_t bytes);           // "512 B", "1.5 KB", "12 MB"
std::string human_milliseconds(double milliseconds);    // "0.42 ms", "12.3 ms", "1.20 s", "2 min 5 s"
std::string human_setting(std::uint64_t milliseconds);  // "30s", "500ms": as the flags take it
std::string human_seconds(std::uint64_t seconds);       // "5 s", "3 min", "2 h", "4 days"

// As base::parse_duration, in whole milliseconds, at least one. kInvalidArgument otherwise.
base::Result<std::chrono::milliseconds> parse_milliseconds(std::string_view text);

// "2026-01-31T12:00:00.5Z" as Unix time in milliseconds; nothing when it is something else.
std::optional<std::int64_t> parse_time(std::string_view rfc3339);

// "3 min ago" for a time in RFC 3339; the text itself when it is none.
std::string human_age(std::string_view rfc3339, std::int64_t now_ms);

// The same, "-" for none; and behind the time itself, "2026-01-31T12:00:00Z  (3 min ago)", nothing for none.
std::string age_or_dash(std::string_view rfc3339, std::int64_t now_ms);
std::string with_age(std::string_view rfc3339, std::int64_t now_ms);

// Control characters shown as '?': names from elsewhere must not steer the terminal.
std::string printable(std::string_view text);

// The same for text of several lines, whose line ends and tabs stay.
std::string printable_lines(std::string_view text);

// Columns as wide as their widest cell, two spaces between. The first row is the heading.
class Table {
 public:
  explicit Table(std::vector<std::string> heading) { rows_.push_back(std::move(heading)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void print(std::ostream& out) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace hearth::cli
