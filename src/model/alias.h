// A name of a function's own that stands for one of its versions; or for two, of which a second one takes a
// share of the calls. Pure values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"

namespace hearth::model {

inline constexpr std::size_t kAliasNameBytes = 64;
inline constexpr std::size_t kAliasesPerFunction = 50;
// Shares are whole numbers of these.
inline constexpr std::uint32_t kShares = 1'000;

// The version that takes some of an alias's calls.
struct Canary {
  std::uint32_t version = 0;
  std::uint32_t per_mille = 0;  // of the calls, 1 to 999

  bool operator==(const Canary&) const = default;
};

struct Alias {
  std::string name;
  std::uint32_t version = 0;  // takes the calls that the canary does not
  std::optional<Canary> canary;
  std::int64_t updated_ms = 0;  // Unix time, milliseconds

  bool operator==(const Alias&) const = default;
};

using Aliases = std::map<std::string, Alias, std::less<>>;  // by name

// 1 to 64 of A-Z, a-z, 0-9, '_' and '-', a letter first.
bool is_alias_name(std::string_view name);

// Whether the alias stands for that version, with whatever share.
bool names(const Alias& alias, std::uint32_t version);
bool any_names(const Aliases& aliases, std::uint32_t version);

// The version that the call of a caller at `point`, 0 to 999, executes. A canary that grows takes more
// callers from the first version and gives none back.
std::uint32_t version_at(const Alias& alias, std::uint32_t point);

// A point of nobody's.
std::uint32_t random_point(base::Random& random);

// The point of a text, the same on every server and in every release. Points of different aliases have
// nothing to do with each other.
std::uint32_t sticky_point(std::string_view alias_name, std::string_view text);

}  // namespace hearth::model
