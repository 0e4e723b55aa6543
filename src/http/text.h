// The character classes and comparisons of RFC 9110 that message, parser and writer share. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace hearth::http {

struct Header;

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && to_lower(a[i]) != to_lower(b[i])) {
      return false;
    }
  }
  return true;
}

// A set of characters that is asked once for every byte of a head.
class CharSet {
 public:
  template <typename Predicate>
  explicit constexpr CharSet(Predicate holds) {
    for (std::size_t i = 0; i < in_.size(); ++i) {
      in_[i] = holds(static_cast<char>(i));
    }
  }

  constexpr bool has(char c) const { return in_[static_cast<unsigned char>(c)]; }
  constexpr bool has_all_of(std::string_view text) const {
    for (const char c : text) {
      if (!has(c)) {
        return false;
      }
    }
    return true;
  }

 private:
  std::array<bool, 256> in_{};
};

inline constexpr CharSet kTokenChars([](char c) {
  const char lower = to_lower(c);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
});

constexpr bool is_token_char(char c) { return kTokenChars.has(c); }

constexpr bool is_token(std::string_view text) { return !text.empty() && kTokenChars.has_all_of(text); }

// Printable ASCII without the space: what a request target consists of.
constexpr bool is_visible(char c) { return c > 0x20 && c < 0x7f; }

// A control character other than the tab.
constexpr bool has_control(std::string_view text) {
  for (const char c : text) {
    if ((c >= 0 && c < ' ' && c != '\t') || c == 0x7f) {
      return true;
    }
  }
  return false;
}

constexpr std::string_view trim(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_space(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

// The first header of that name, compared without regard to case.
std::optional<std::string_view> find_header(const std::vector<Header>& headers, std::string_view name);

}  // namespace hearth::http
