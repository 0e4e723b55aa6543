// Durations and sizes as people write them in flags: "15m", "250ms", "6MiB". Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::base {

// A whole or decimal number and one of us, ms, s, m, h, d; "0" needs no unit. kInvalidArgument says
// what is taken.
Result<std::chrono::microseconds> parse_duration(std::string_view text);

// A whole number and one of B, KB, MB, GB, KiB, MiB, GiB; without a unit it is bytes.
Result<std::uint64_t> parse_bytes(std::string_view text);

// "1.5s", "250ms", "15m": the shortest of these that is exact to three digits.
std::string format_duration(std::chrono::microseconds duration);

}  // namespace hearth::base
