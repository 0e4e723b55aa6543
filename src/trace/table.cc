#include "trace/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/words.h"

namespace hearth::trace {
namespace {

// Of a field that is shown in a message.
constexpr std::size_t kShown = 40;

std::string shown(std::string_view field) {
  std::string text;
  for (const char c : field.substr(0, kShown)) {
    text += c >= ' ' && c <= '~' ? c : '?';
  }
  return field.size() > kShown ? text + "..." : text;
}

}  // namespace

base::Result<Table> Table::open(NamedText file) {
  Table table(std::move(file));
  if (!table.take_line()) {
    return table.error_at(0, "the file is empty");
  }
  if (const auto split = table.split(); !split) {
    return split.error();
  }
  table.columns_ = table.fields_;
  return table;
}

bool Table::take_line() {
  while (!rest_.empty()) {
    line_ = base::take_word(rest_, '\n');
    ++line_number_;
    if (line_.ends_with('\r')) {
      line_.remove_suffix(1);
    }
    if (!line_.empty()) {
      return true;
    }
  }
  fields_.clear();
  return false;
}

base::Result<void> Table::split() {
  fields_.clear();
  std::string_view rest = line_;
  for (bool last = false; !last;) {
    last = rest.find(',') == std::string_view::npos;
    fields_.push_back(base::take_word(rest, ','));
    if (fields_.back().starts_with('"')) {
      return error_at(fields_.size() - 1, "a quoted field: this format has none");
    }
    if (fields_.size() > kMostColumns) {
      return error_at(kMostColumns, fmt::format("more than {} columns", kMostColumns));
    }
  }
  return {};
}

std::optional<std::size_t> Table::find(std::string_view column) const {
  const auto found = std::ranges::find(columns_, column);
  return found == columns_.end() ? std::nullopt : std::optional<std::size_t>(found - columns_.begin());
}

base::Result<std::size_t> Table::require(std::string_view column) const {
  if (const auto found = find(column)) {
    return *found;
  }
  return base::Error{base::ErrorCode::kInvalidArgument,
                     fmt::format("{}:1:1: there is no column \"{}\"", name_, column)};
}

base::Result<bool> Table::next() {
  if (!take_line()) {
    return false;
  }
  if (const auto split = this->split(); !split) {
    return split.error();
  }
  if (fields_.size() != columns_.size()) {
    return error_at(std::min(fields_.size(), columns_.size()),
                    fmt::format("{} fields, where {} are expected", fields_.size(), columns_.size()));
  }
  return true;
}

base::Result<double> Table::number(std::size_t column, double most) const {
  const auto number = base::number_of<double>(field(column));
  if (!number || !std::isfinite(*number) || *number < 0) {
    return error_in(column, "is no number, or a negative one");
  }
  if (*number > most) {
    return error_in(column, fmt::format("is more than {}", most));
  }
  return *number;
}

base::Result<std::uint32_t> Table::whole_number(std::size_t column, std::uint32_t most) const {
  const auto number = base::number_of<std::uint32_t>(field(column));
  if (!number) {
    return error_in(column, "is no whole number");
  }
  if (*number > most) {
    return error_in(column, fmt::format("is more than {}", most));
  }
  return *number;
}

base::Error Table::error_in(std::size_t column, std::string_view what) const {
  return error_at(column,
                  fmt::format("column {}: \"{}\" {}", shown(columns_[column]), shown(field(column)), what));
}

base::Error Table::error_at(std::size_t column, std::string_view what) const {
  std::size_t place = line_.size();
  if (column < fields_.size()) {
    place = static_cast<std::size_t>(fields_[column].data() - line_.data());
  }
  return {base::ErrorCode::kInvalidArgument,
          fmt::format("{}:{}:{}: {}", name_, std::max<std::size_t>(line_number_, 1), place + 1, what)};
}

}  // namespace hearth::trace
