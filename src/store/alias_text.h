// Aliases as the stores keep them beside their function: a JSON object, {NAME: [version, canary's version,
// its share per mille, time of the last change], …}, the two in the middle null where there is no canary. And
// what stores say of versions and aliases that cannot be. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "model/alias.h"

namespace hearth::store {

// kCorrupt when it is damaged.
base::Result<model::Aliases> aliases_from_text(std::string_view text);

base::Error no_such_version(std::uint32_t number);
base::Error no_such_alias(std::string_view name);
base::Error too_many_aliases();

}  // namespace hearth::store
