// Names inside zips: which of them may become files, and how they are shown in messages.
//
// The first check that every entry meets, on upload, on unpacking and on packing, so that what the
// command line packs the gateway accepts. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "archive/archive.h"
#include "base/result.h"

namespace hearth::archive {

inline constexpr std::size_t kNameBytes = 255;  // of one component: Linux's NAME_MAX

// 'name' for a message: safe on a terminal and in a log (control characters and broken UTF-8 become
// \xNN) and cut when it is long.
std::string quoted(std::string_view name);

// A path relative to the archive's root, without a trailing '/'. kInvalidArgument when it is
// absolute, climbs, or holds a backslash, a control character or anything but UTF-8; kTooLarge past
// the limits on length and depth.
base::Result<void> check_path(std::string_view path, const Limits& limits);

// Whether the symlink at `path` (already checked) may point to `target`. Any ".." must come first and
// there may be no more of them than folders above the link. A link's own folder is never a symlink,
// so those steps are exactly what the kernel takes; what follows only descends, perhaps through
// other links that obey the same rule. Hence no chain of links leaves the root.
base::Result<void> check_link_target(std::string_view path, std::string_view target, const Limits& limits);

}  // namespace hearth::archive
