// A list of named values as bytes: "NAME LENGTH\nVALUE" one after the other. Any bytes may be a value, and
// who reads it skips names that it does not know: processes of two releases understand one another. Pure.
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::cluster {

struct Field {
  std::string_view name;
  std::string_view value;
};

// `name`: without a space or a line's end.
void add_field(std::string& to, std::string_view name, std::string_view value);

// Views into `text`; nothing when it is malformed, or has more than `most`.
std::optional<std::vector<Field>> read_fields(std::string_view text, std::size_t most);

// The whole text as a number that is not negative.
template <std::integral Number>
std::optional<Number> to_number(std::string_view text) {
  Number number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  const bool whole = error == std::errc() && stopped == end && !text.empty() && text.front() != '-';
  return whole ? std::optional(number) : std::nullopt;
}

// The text up to the first `separator`, which goes with it; all of it when there is none.
std::string_view take_part(std::string_view& rest, char separator);

}  // namespace hearth::cluster
