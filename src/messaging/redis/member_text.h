// A member's card as it stands in Redis: words "key=value" on one line. Who reads it passes over keys that it
// does not know, and takes the defaults for those that are missing: releases N and N+1 understand one
// another. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "model/member.h"

namespace hearth::messaging {

// Nothing longer is read.
inline constexpr std::size_t kMemberTextBytes = 4'096;

// Nothing when a text of it is no word, or it is too long.
std::optional<std::string> to_text(const model::Member& card);

// Nothing when it is malformed: no id, a word without '=', or a number that is none.
std::optional<model::Member> member_of(std::string_view text);

}  // namespace hearth::messaging
