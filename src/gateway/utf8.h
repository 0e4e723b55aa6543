// UTF-8 checked and mended: what a function writes may be any bytes, what we answer is JSON. Pure.
#pragma once

#include <string>
#include <string_view>

namespace hearth::gateway {

bool is_utf8(std::string_view text);

// Each byte that is part of no valid sequence becomes U+FFFD.
std::string replace_invalid_utf8(std::string_view text);

}  // namespace hearth::gateway
