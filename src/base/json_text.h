// JSON handled as text: indented, or taken apart, without touching a number's digits or a string's
// escapes. What a function returned is printed as it returned it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hearth::base {

// Indented by two, one member a line; empty objects and arrays stay on theirs. Text that is not JSON
// comes back as it is.
std::string pretty_json(std::string_view json);

// The raw text of an object's own member, or nothing.
std::optional<std::string_view> json_member(std::string_view object, std::string_view name);

// Begins as an object or an array does.
bool looks_like_json(std::string_view text);

}  // namespace hearth::base
