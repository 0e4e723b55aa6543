// A version's environment as it stands in its database column: a JSON object of strings. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::store {

std::string environment_to_text(const std::map<std::string, std::string>& environment);

// kCorrupt when the text is not what environment_to_text() makes.
base::Result<std::map<std::string, std::string>> environment_from_text(std::string_view text);

}  // namespace hearth::store
