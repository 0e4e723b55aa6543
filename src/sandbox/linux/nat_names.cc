#include "sandbox/linux/nat_names.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <array>
#include <cstdio>

namespace hearth::sandbox {
namespace {

constexpr const char* kSuffix = ".0.0/16";

// FNV-1a: the same for the same tag, whatever the build.
std::uint32_t hash(const std::string& text) {
  std::uint32_t value = 2166136261U;
  for (const char letter : text) {
    value = (value ^ static_cast<unsigned char>(letter)) * 16777619U;
  }
  return value;
}

std::string hexadecimal(std::uint32_t value, int digits) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%0*x", digits, value);
  return text.data();
}

}  // namespace

base::Result<NatRange> parse_nat_range(const std::string& text) {
  const auto slash = text.find('/');
  in_addr address{};
  if (!text.ends_with(kSuffix) || ::inet_pton(AF_INET, text.substr(0, slash).c_str(), &address) != 1) {
    return base::Error{base::ErrorCode::kInvalidArgument,
                       "\"" + text + "\" is not a range of 65,536 addresses, such as 10.213.0.0/16"};
  }
  return NatRange{ntohl(address.s_addr)};
}

std::string to_string(const NatRange& range) {
  return std::to_string(range.first >> 24U) + "." + std::to_string(range.first >> 16U & 0xFFU) + kSuffix;
}

NatNames::NatNames(const std::string& tag) {
  const auto hashed = hexadecimal(hash(tag), 8);
  table_ = "hearth_" + hashed;
  prefix_ = "hn" + hashed;
}

std::string NatNames::interface(std::uint32_t number) const {
  static_assert(NatRange::kWires <= 0xFFFF && 2 + 8 + 4 < IFNAMSIZ);
  return prefix_ + hexadecimal(number, 4);
}

}  // namespace hearth::sandbox
