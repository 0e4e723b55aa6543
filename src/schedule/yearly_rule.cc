#include "schedule/yearly_rule.h"

#include <algorithm>
#include <chrono>
#include <string>

namespace hearth::schedule {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

constexpr int kMostOffsetHours = 24;
constexpr int kMostTimeHours = 167;

}  // namespace

// Reads from the front; once something is wrong it stays so.
class RuleReader {
 public:
  explicit RuleReader(std::string_view text) : text_(text) {}

  bool failed() const { return failed_; }
  bool at_end() const { return text_.empty(); }
  bool next_is(char c) const { return !text_.empty() && text_.front() == c; }

  bool take(char c) {
    if (!next_is(c)) {
      return false;
    }
    text_.remove_prefix(1);
    return true;
  }
  void expect(char c) { failed_ = failed_ || !take(c); }

  // "EST" or "<+0530>"
  void name() {
    const bool quoted = take('<');
    std::size_t length = 0;
    while (length < text_.size() &&
           (is_letter(text_[length]) ||
            (quoted && (is_digit(text_[length]) || text_[length] == '+' || text_[length] == '-')))) {
      ++length;
    }
    failed_ = failed_ || length < 3;
    text_.remove_prefix(length);
    if (quoted) {
      expect('>');
    }
  }

  int number(int least, int most) {
    int value = 0;
    std::size_t digits = 0;
    while (digits < text_.size() && is_digit(text_[digits]) && digits < 3) {
      value = value * 10 + (text_[digits] - '0');
      ++digits;
    }
    text_.remove_prefix(digits);
    failed_ = failed_ || digits == 0 || value < least || value > most;
    return value;
  }

  // "[+-]hh[:mm[:ss]]"
  std::int32_t time(int most_hours) {
    const bool minus = take('-');
    if (!minus) {
      (void)take('+');
    }
    std::int32_t seconds = number(0, most_hours) * 3'600;
    if (take(':')) {
      seconds += number(0, 59) * 60;
      if (take(':')) {
        seconds += number(0, 59);
      }
    }
    return minus ? -seconds : seconds;
  }

  // The text counts from local time to UTC, all others the other way.
  std::int32_t offset() { return -time(kMostOffsetHours); }

  YearlyRule::Date date() {
    using enum YearlyRule::DayKind;
    YearlyRule::Date date;
    if (take('M')) {
      date.month = number(1, 12);
      expect('.');
      date.week = number(1, 5);
      expect('.');
      date.day = number(0, 6);
    } else if (take('J')) {
      date.kind = kJulian;
      date.day = number(1, 365);
    } else {
      date.kind = kDayOfYear;
      date.day = number(0, 365);
    }
    if (take('/')) {
      date.time_s = time(kMostTimeHours);
    }
    return date;
  }

 private:
  std::string_view text_;
  bool failed_ = false;
};

base::Result<YearlyRule> YearlyRule::parse(std::string_view text) {
  RuleReader reader(text);
  YearlyRule rule;
  reader.name();
  rule.standard_s_ = reader.offset();
  if (!reader.at_end()) {
    Summer summer;
    reader.name();
    summer.offset_s = reader.next_is(',') ? rule.standard_s_ + 3'600 : reader.offset();
    reader.expect(',');
    summer.begin = reader.date();
    reader.expect(',');
    summer.end = reader.date();
    rule.summer_ = summer;
  }
  if (reader.failed() || !reader.at_end()) {
    return base::Error{base::ErrorCode::kInvalidArgument,
                       "\"" + std::string(text) + "\" is no rule of a time zone"};
  }
  return rule;
}

std::int64_t YearlyRule::local_s(const Date& date, int year) {
  using namespace std::chrono;
  const std::chrono::year in(year);
  sys_days day = sys_days(in / January / 1);
  if (date.kind == DayKind::kDayOfYear) {
    day += days(date.day);
  } else if (date.kind == DayKind::kJulian) {
    const bool after_leap_day = in.is_leap() && date.day >= 60;
    day += days(date.day - 1 + (after_leap_day ? 1 : 0));
  } else {
    const auto month = in / std::chrono::month(static_cast<unsigned>(date.month));
    const weekday wanted(static_cast<unsigned>(date.day));
    day = date.week == 5 ? sys_days(month / wanted[last])
                         : sys_days(month / wanted[static_cast<unsigned>(date.week)]);
  }
  return sys_seconds(day).time_since_epoch().count() + date.time_s;
}

std::array<OffsetChange, 2> YearlyRule::changes_of(int year) const {
  std::array<OffsetChange, 2> changes = {
      OffsetChange{local_s(summer_->begin, year) - standard_s_, summer_->offset_s},
      OffsetChange{local_s(summer_->end, year) - summer_->offset_s, standard_s_}};
  if (changes[1].at_s < changes[0].at_s) {
    std::swap(changes[0], changes[1]);
  }
  return changes;
}

}  // namespace hearth::schedule
