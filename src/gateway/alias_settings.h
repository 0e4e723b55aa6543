// What a caller may say of an alias, and of the share that each of its versions takes. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/alias.h"

namespace hearth::gateway {

// From {"version": N} or {"version": N, "canary": {"version": M, "weight": 0.1}}. kInvalidArgument names what
// is wrong, also with the name; kCorrupt: the body is not JSON.
base::Result<model::Alias> parse_alias(std::string_view name, std::string_view body);

// From {"alias": NAME}, where all may be left out: empty, no alias. The same errors.
base::Result<std::string> parse_publication(std::string_view body);

}  // namespace hearth::gateway
