// Lines of words, as processes write them for one another: taking one apart, word by word. Pure.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace hearth::base {

// The text up to the first `separator`, which goes with it; all of it when there is none.
inline std::string_view take_word(std::string_view& rest, char separator = ' ') {
  const std::size_t end = rest.find(separator);
  const std::string_view word = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return word;
}

// Nothing but what JSON takes for white space.
inline bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// The whole word as a number, without a sign.
template <typename Number>
std::optional<Number> number_of(std::string_view word) {
  Number number = 0;
  const char* const end = word.data() + word.size();
  const auto [stopped, error] = std::from_chars(word.data(), end, number);
  const bool whole = error == std::errc() && stopped == end && !word.empty() && word.front() != '-';
  return whole ? std::optional(number) : std::nullopt;
}

}  // namespace hearth::base
