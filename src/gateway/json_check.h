// Whether a text is JSON, without making anything of it. Pure.
#pragma once

#include <string_view>

#include "base/result.h"

namespace hearth::gateway {

// kCorrupt says what is wrong. An empty text is none. Values may be 100 deep.
base::Result<void> check_json(std::string_view text);

}  // namespace hearth::gateway
