#include "model/alias.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace hearth::model {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool may_follow(char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-'; }

// FNV-1a.
std::uint64_t add(std::uint64_t hash, std::string_view text) {
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  return hash;
}

// MurmurHash3's last step: texts that differ in their last letters alone lie far apart.
std::uint64_t mixed(std::uint64_t hash) {
  hash = (hash ^ (hash >> 33U)) * 0xff51afd7ed558ccdU;
  hash = (hash ^ (hash >> 33U)) * 0xc4ceb9fe1a85ec53U;
  return hash ^ (hash >> 33U);
}

}  // namespace

bool is_alias_name(std::string_view name) {
  return !name.empty() && name.size() <= kAliasNameBytes && is_letter(name.front()) &&
         std::ranges::all_of(name, may_follow);
}

bool names(const Alias& alias, std::uint32_t version) {
  return alias.version == version || (alias.canary && alias.canary->version == version);
}

bool any_names(const Aliases& aliases, std::uint32_t version) {
  return std::ranges::any_of(aliases, [version](const auto& each) { return names(each.second, version); });
}

std::uint32_t version_at(const Alias& alias, std::uint32_t point) {
  return alias.canary && point < alias.canary->per_mille ? alias.canary->version : alias.version;
}

std::uint32_t random_point(base::Random& random) {
  std::array<std::uint8_t, sizeof(std::uint32_t)> bytes{};
  random.fill(bytes);
  std::uint32_t number = 0;
  std::memcpy(&number, bytes.data(), bytes.size());
  return static_cast<std::uint32_t>((std::uint64_t{number} * kShares) >> 32U);
}

std::uint32_t sticky_point(std::string_view alias_name, std::string_view text) {
  constexpr std::uint64_t kBasis = 0xcbf29ce484222325U;
  // No alias's name holds the byte between the two.
  const std::uint64_t hash = mixed(add(add(add(kBasis, alias_name), std::string_view("\0", 1)), text));
  return static_cast<std::uint32_t>(((hash >> 32U) * kShares) >> 32U);
}

}  // namespace hearth::model
