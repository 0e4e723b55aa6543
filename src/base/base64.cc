#include "base/base64.h"

#include <array>

namespace hearth::base {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> make_table() {
  std::array<std::int8_t, 256> table{};
  for (auto& entry : table) {
    entry = -1;
  }
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
  }
  return table;
}

constexpr auto kTable = make_table();

Error bad_character() { return Error{ErrorCode::kInvalidArgument, "not base64"}; }

}  // namespace

Result<void> Base64Decoder::feed(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (c == '\r' || c == '\n' || c == ' ' || c == '\t') {
      continue;
    }
    if (c == '=') {
      if (++padding_ > 2) {
        return bad_character();
      }
      continue;
    }
    const std::int8_t sextet = kTable[static_cast<unsigned char>(c)];
    if (sextet < 0 || padding_ > 0) {
      return bad_character();
    }
    bits_ = (bits_ << 6U) | static_cast<std::uint32_t>(sextet);
    if (++held_ == 4) {
      out += static_cast<char>((bits_ >> 16U) & 0xffU);
      out += static_cast<char>((bits_ >> 8U) & 0xffU);
      out += static_cast<char>(bits_ & 0xffU);
      bits_ = 0;
      held_ = 0;
    }
  }
  return {};
}

Result<void> Base64Decoder::finish(std::string& out) {
  const bool whole = held_ == 0 && padding_ == 0;
  // Clients that leave the padding out are understood; a wrong amount of it is not.
  const bool padded = (held_ == 2 && padding_ != 1) || (held_ == 3 && padding_ <= 1);
  if (!whole && !padded) {
    return bad_character();
  }
  if (held_ == 2) {
    out += static_cast<char>((bits_ >> 4U) & 0xffU);
  } else if (held_ == 3) {
    out += static_cast<char>((bits_ >> 10U) & 0xffU);
    out += static_cast<char>((bits_ >> 2U) & 0xffU);
  }
  return {};
}

std::string base64_encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = (group << 8U) | (j < have ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    text += kAlphabet[(group >> 18U) & 63U];
    text += kAlphabet[(group >> 12U) & 63U];
    text += have > 1 ? kAlphabet[(group >> 6U) & 63U] : '=';
    text += have > 2 ? kAlphabet[group & 63U] : '=';
  }
  return text;
}

}  // namespace hearth::base
