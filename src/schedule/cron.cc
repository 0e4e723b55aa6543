#include "schedule/cron.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <chrono>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "model/schedule.h"

namespace hearth::schedule {
namespace {

using base::Error;
using base::ErrorCode;

constexpr std::array<std::string_view, 12> kMonths = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                      "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::array<std::string_view, 7> kWeekdays = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kWords = {{
    {"@hourly", "0 * * * *"},
    {"@daily", "0 0 * * *"},
    {"@midnight", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"},
    {"@monthly", "0 0 1 * *"},
    {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
}};
// February has a 29th in some years.
constexpr std::array kDaysOfMonth = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

struct Field {
  std::string_view name;
  unsigned first;
  unsigned last;
  std::span<const std::string_view> names;  // of the numbers, from `first` on
};
constexpr unsigned kSunday = 7;  // as good as 0
constexpr std::array kFields = {Field{"minute", 0, 59, {}}, Field{"hour", 0, 23, {}},
                                Field{"day of month", 1, 31, {}}, Field{"month", 1, 12, kMonths},
                                Field{"day of week", 0, kSunday, kWeekdays}};

Error wrong(const Field& field, std::string_view what) {
  return {ErrorCode::kInvalidArgument, fmt::format("{}: {}", field.name, what)};
}

bool equal_ignoring_case(std::string_view text, std::string_view upper) {
  return std::ranges::equal(text, upper,
                            [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 32 : a) == b; });
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  constexpr std::string_view kBlanks = " \t";
  for (std::size_t begin = text.find_first_not_of(kBlanks); begin != std::string_view::npos;
       begin = text.find_first_not_of(kBlanks)) {
    text.remove_prefix(begin);
    const std::size_t end = std::min(text.find_first_of(kBlanks), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

// Digits alone; nothing for anything else.
std::optional<unsigned> number_in(std::string_view text) {
  unsigned number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size() ? std::optional(number)
                                                                             : std::nullopt;
}

base::Result<unsigned> value_in(const Field& field, std::string_view text) {
  for (std::size_t i = 0; i < field.names.size(); ++i) {
    if (equal_ignoring_case(text, field.names[i])) {
      return field.first + static_cast<unsigned>(i);
    }
  }
  const auto number = number_in(text);
  if (!number) {
    return wrong(field, fmt::format(R"("{}" is {})", text,
                                    field.names.empty() ? "no number" : "neither a number nor a name"));
  }
  if (*number < field.first || *number > field.last) {
    return wrong(field, fmt::format("{} is not from {} to {}", text, field.first, field.last));
  }
  return *number;
}

struct Range {
  unsigned low = 0;
  unsigned high = 0;
};

base::Result<Range> range_in(const Field& field, std::string_view text) {
  if (text == "*") {
    return Range{field.first, field.last};
  }
  const std::size_t dash = text.find('-');
  const auto low = value_in(field, text.substr(0, dash));
  if (!low || dash == std::string_view::npos) {
    return low ? base::Result<Range>(Range{*low, *low}) : low.error();
  }
  const std::string_view end = text.substr(dash + 1);
  auto high = value_in(field, end);
  if (!high) {
    return high.error();
  }
  if (field.last == kSunday && *high == 0 && *low > 0) {
    high = kSunday;  // FRI-SUN
  }
  if (*high < *low) {
    return wrong(field, fmt::format("{} ends before it begins", text));
  }
  return Range{*low, *high};
}

// "*", "7", "1-5", "*/10", "8-18/2"
base::Result<std::uint64_t> part_in(const Field& field, std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view head = text.substr(0, slash);
  const auto range = range_in(field, head);
  if (!range) {
    return range.error();
  }
  unsigned step = 1;
  if (slash != std::string_view::npos) {
    const auto number = number_in(text.substr(slash + 1));
    if (!number || *number < 1 || *number > field.last) {
      return wrong(field, fmt::format(R"("{}" is no step: a number from 1 to {})", text.substr(slash + 1),
                                      field.last));
    }
    if (head != "*" && head.find('-') == std::string_view::npos) {
      return wrong(field,
                   fmt::format("{}: a step follows '*' or a range such as {}-{}", text, head, field.last));
    }
    step = *number;
  }
  std::uint64_t bits = 0;
  for (unsigned value = range->low; value <= range->high; value += step) {
    bits |= std::uint64_t{1} << value;
  }
  return bits;
}

base::Result<std::uint64_t> field_in(const Field& field, std::string_view text) {
  std::uint64_t bits = 0;
  for (const std::string_view part : split(text, ',')) {
    const auto more = part_in(field, part);
    if (!more) {
      return more.error();
    }
    bits |= *more;
  }
  return bits;
}

// Whether some month that is meant has some day that is meant.
bool has_a_day(const Cron& cron) {
  for (unsigned month = 1; month <= kDaysOfMonth.size(); ++month) {
    const auto days = static_cast<unsigned>(kDaysOfMonth[month - 1]);
    if ((cron.months >> month & 1U) != 0 && (cron.days & ((std::uint64_t{2} << days) - 1)) != 0) {
      return true;
    }
  }
  return false;
}

bool matches_day(const Cron& cron, const std::chrono::year_month_day& date, std::chrono::sys_days day) {
  const bool of_month = (cron.days >> static_cast<unsigned>(date.day()) & 1U) != 0;
  const bool of_week = (cron.weekdays >> std::chrono::weekday(day).c_encoding() & 1U) != 0;
  return cron.either_day ? of_month || of_week : of_month && of_week;
}

// Of the day, from `minute` on.
std::optional<unsigned> next_minute(const Cron& cron, unsigned minute) {
  const unsigned hour = minute / 60;
  const std::uint64_t left = cron.minutes >> (minute % 60);
  if ((cron.hours >> hour & 1U) != 0 && left != 0) {
    return minute + static_cast<unsigned>(std::countr_zero(left));
  }
  const std::uint32_t hours = cron.hours >> (hour + 1);
  if (hours == 0) {
    return std::nullopt;
  }
  return (hour + 1 + static_cast<unsigned>(std::countr_zero(hours))) * 60 +
         static_cast<unsigned>(std::countr_zero(cron.minutes));
}

}  // namespace

base::Result<Cron> parse_cron(std::string_view text) {
  if (text.size() > model::kCronBytes) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("a cron expression has {} bytes at most", model::kCronBytes)};
  }
  auto words = words_of(text);
  if (words.size() == 1 && words[0].starts_with('@')) {
    const auto* const known =
        std::ranges::find(kWords, words[0], &std::pair<std::string_view, std::string_view>::first);
    if (known == kWords.end()) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{} is none of @hourly, @daily, @weekly, @monthly and @yearly", words[0])};
    }
    words = words_of(known->second);
  }
  if (words.size() != kFields.size()) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("a cron expression has five fields (minute, hour, day of month, month, day of "
                             "week), and \"{}\" has {}",
                             text, words.size())};
  }
  std::array<std::uint64_t, kFields.size()> bits{};
  for (std::size_t i = 0; i < kFields.size(); ++i) {
    const auto field = field_in(kFields[i], words[i]);
    if (!field) {
      return field.error();
    }
    bits[i] = *field;
  }
  Cron cron;
  cron.minutes = bits[0];
  cron.hours = static_cast<std::uint32_t>(bits[1]);
  cron.days = static_cast<std::uint32_t>(bits[2]);
  cron.months = static_cast<std::uint32_t>(bits[3]);
  cron.weekdays = static_cast<std::uint32_t>((bits[4] | bits[4] >> kSunday) & 0x7fU);
  cron.either_day = !words[2].starts_with('*') && !words[4].starts_with('*');
  if (!cron.either_day && !has_a_day(cron)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("day of month: {} never comes in month {}", words[2], words[3])};
  }
  return cron;
}

std::optional<std::int64_t> next_match(const Cron& cron, std::int64_t local_s) {
  using std::chrono::days;
  using std::chrono::sys_days;
  const std::chrono::sys_seconds from{std::chrono::seconds(local_s)};
  auto day = std::chrono::floor<days>(from);
  const sys_days last = day + days(kYearsAhead * 366);
  const auto seconds_of_day = static_cast<unsigned>((from - day).count());
  unsigned minute = (seconds_of_day + 59) / 60;
  if (minute == 24 * 60) {
    day += days(1);
    minute = 0;
  }
  while (day <= last) {
    const std::chrono::year_month_day date(day);
    if ((cron.months >> static_cast<unsigned>(date.month()) & 1U) == 0) {
      day = sys_days((date.year() / date.month() + std::chrono::months(1)) / 1);
      minute = 0;
      continue;
    }
    const auto found = matches_day(cron, date, day) ? next_minute(cron, minute) : std::nullopt;
    if (found) {
      return std::chrono::sys_seconds(day).time_since_epoch().count() + std::int64_t{*found} * 60;
    }
    day += days(1);
    minute = 0;
  }
  return std::nullopt;
}

}  // namespace hearth::schedule
