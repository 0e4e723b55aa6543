// Identifiers: GUIDs for what users name, short names for instances.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"

namespace hearth::base {

// A version 4 GUID in lower case: "f81d4fae-7dec-41d0-a765-00a0c91e6bf6".
std::string make_guid(Random& random);
inline constexpr std::size_t kGuidBytes = 36;
// The same, without memory of its own.
std::array<char, kGuidBytes> make_guid_text(Random& random);
// A version 7 GUID: of two, the one of the later millisecond is the greater. `unix_ms`: 48 bits.
std::string make_time_ordered_guid(Random& random, std::int64_t unix_ms);
bool is_guid(std::string_view text);

// 15 characters, "i" and 70 random bits in base 32: unique for a platform's life, and short enough
// to be kept without an allocation of memory.
std::string make_instance_name(Random& random);

}  // namespace hearth::base
