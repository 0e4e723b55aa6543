#include "base/ids.h"

#include <array>
#include <cstdint>

namespace hearth::base {

std::string make_guid(Random& random) {
  std::array<std::uint8_t, 16> bytes{};
  random.fill(bytes);
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0fU) | 0x40U);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3fU) | 0x80U);
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text(36, '-');
  std::size_t at = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    at += i == 4 || i == 6 || i == 8 || i == 10 ? 1 : 0;
    text[at++] = kHex[bytes[i] >> 4U];
    text[at++] = kHex[bytes[i] & 0x0fU];
  }
  return text;
}

bool is_guid(std::string_view text) {
  if (text.size() != 36) {
    return false;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (dash ? c != '-' : !hex) {
      return false;
    }
  }
  return true;
}

std::string make_instance_name(Random& random) {
  std::array<std::uint8_t, 14> bytes{};
  random.fill(bytes);
  constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
  std::string name = "i";
  for (const auto byte : bytes) {
    name += kAlphabet[byte & 0x1fU];
  }
  return name;
}

}  // namespace hearth::base
