// What svg.h says about text.
#include <algorithm>

#include "bench/report/svg.h"

namespace hearth::bench {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// Bytes of the well-formed UTF-8 character at the front of `text`; 0 when there is none.
std::size_t character_bytes(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) {
    return 1;
  }
  const std::size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < bytes) {
    return 0;
  }
  const auto second = static_cast<unsigned char>(text[1]);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool beyond = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
  return !overlong && !beyond &&
                 std::all_of(text.begin() + 1, text.begin() + static_cast<long>(bytes), continues)
             ? bytes
             : 0;
}

// In parts of the letters' size, for the character that starts with this byte.
double character_width(char first) {
  constexpr std::string_view kNarrow = " .,:;'|!()[]{}/-ijlftrI";
  constexpr std::string_view kWide = "mwMW@%";
  if (kNarrow.find(first) != std::string_view::npos) {
    return 0.4;
  }
  const bool capital = first >= 'A' && first <= 'Z';
  return kWide.find(first) != std::string_view::npos ? 1.0 : capital ? 0.74 : 0.64;
}

std::string_view in_xml(std::string_view character) {
  switch (character.front()) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    case '\t':
    case '\n':
    case '\r':
      return " ";
    default:
      break;
  }
  const auto first = static_cast<unsigned char>(character.front());
  const bool control = first < 0x20 || first == 0x7F;
  const bool no_character = character == "\xEF\xBF\xBE" || character == "\xEF\xBF\xBF";
  return control || no_character ? kReplacement : character;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    const std::size_t bytes = character_bytes(text);
    safe += bytes == 0 ? kReplacement : in_xml(text.substr(0, bytes));
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  return safe;
}

std::string shortened(std::string_view text, std::size_t characters) {
  std::size_t seen = 0;
  std::size_t cut = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (continues(text[i])) {
      continue;
    }
    if (++seen == characters) {
      cut = i;
    }
  }
  return seen <= characters ? std::string(text) : std::string(text.substr(0, cut)) + "…";
}

double text_width(std::string_view text, double size) {
  double width = 0;
  for (const char c : text) {
    width += continues(c) ? 0 : character_width(c);
  }
  return width * size;
}

}  // namespace hearth::bench
