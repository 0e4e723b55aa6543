#include "base/ids.h"

#include <array>
#include <cstdint>

namespace hearth::base {

namespace {

constexpr std::string_view kHex = "0123456789abcdef";

// The two digits of each byte.
constexpr std::array<std::array<char, 2>, 256> kHexPairs = [] {
  std::array<std::array<char, 2>, 256> pairs{};
  for (std::size_t byte = 0; byte < pairs.size(); ++byte) {
    pairs[byte] = {kHex[byte / 16], kHex[byte % 16]};
  }
  return pairs;
}();

// Where the text of each byte begins.
constexpr std::array<std::size_t, 16> kPlaces = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};

using Guid = std::array<std::uint8_t, 16>;
constexpr std::size_t kTimeBytes = 6;

std::array<char, kGuidBytes> text_of(Guid bytes, unsigned version) {
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0fU) | (version << 4U));
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3fU) | 0x80U);
  std::array<char, kGuidBytes> text;
  text[8] = text[13] = text[18] = text[23] = '-';
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    text[kPlaces[i]] = kHexPairs[bytes[i]][0];
    text[kPlaces[i] + 1] = kHexPairs[bytes[i]][1];
  }
  return text;
}

}  // namespace

std::string make_guid(Random& random) {
  const auto text = make_guid_text(random);
  return {text.data(), text.size()};
}

std::array<char, kGuidBytes> make_guid_text(Random& random) {
  Guid bytes{};
  random.fill(bytes);
  return text_of(bytes, 4);
}

std::string make_time_ordered_guid(Random& random, std::int64_t unix_ms) {
  Guid bytes{};
  random.fill(std::span(bytes).subspan(kTimeBytes));
  for (std::size_t i = 0; i < kTimeBytes; ++i) {
    bytes[i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(unix_ms) >> (8 * (kTimeBytes - 1 - i)));
  }
  const auto text = text_of(bytes, 7);
  return {text.data(), text.size()};
}

bool is_guid(std::string_view text) {
  if (text.size() != kGuidBytes) {
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
