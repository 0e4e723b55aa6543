// What a caller may say when a function is rolled back. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace hearth::gateway {

// From {"version": NUMBER}, where all may be left out: 0, the version before the current one.
// kInvalidArgument names what is wrong; kCorrupt: the body is not JSON.
base::Result<std::uint32_t> parse_rollback(std::string_view body);

}  // namespace hearth::gateway
