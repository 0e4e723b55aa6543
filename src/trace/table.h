// A table of comma-separated values, its first line the names of its columns: read line by line, with the
// place of whatever is wrong. No field is quoted. A view: the text outlives it. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::trace {

// A file's name, for messages, and what is in it.
struct NamedText {
  std::string name;
  std::string_view text;
};

class Table {
 public:
  // At most so many columns are read.
  static constexpr std::size_t kMostColumns = 24'576;

  // The first line is read; next() goes on.
  static base::Result<Table> open(NamedText file);

  // Its names. Valid as long as the text.
  const std::vector<std::string_view>& columns() const { return columns_; }
  std::optional<std::size_t> find(std::string_view column) const;
  // The same, as an error of the first line when there is none.
  base::Result<std::size_t> require(std::string_view column) const;

  // Goes to the next line that is not empty; false at the end. An error: it has more or fewer fields than
  // there are columns, or a quoted one.
  base::Result<bool> next();

  // Of the line that next() went to.
  std::string_view field(std::size_t column) const { return fields_[column]; }
  // As a number that is not negative; `most` at most.
  base::Result<double> number(std::size_t column, double most) const;
  base::Result<std::uint32_t> whole_number(std::size_t column, std::uint32_t most) const;

  // "name:line:column: what", the column as an editor counts it.
  base::Error error_at(std::size_t column, std::string_view what) const;

 private:
  explicit Table(NamedText file) : name_(std::move(file.name)), rest_(file.text) {}

  base::Error error_in(std::size_t column, std::string_view what) const;
  bool take_line();
  base::Result<void> split();

  std::string name_;
  std::string_view rest_;
  std::string_view line_;
  std::size_t line_number_ = 0;
  std::vector<std::string_view> columns_;
  std::vector<std::string_view> fields_;
};

}  // namespace hearth::trace
