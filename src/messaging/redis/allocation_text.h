// An allocation as it stands in Redis: one line, "INSTANCE SLOT EPOCH MEMORY_MB URI". Pure.
//
// The scripts (scripts.h) know this order: an entry is found by its first words, a cold one's memory is its
// fourth.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/allocation.h"

namespace hearth::messaging {

// Nothing when a field is empty or holds a space or a line's end: it would not be read back.
std::optional<std::string> to_text(const model::Allocation& allocation);

// Nothing when it is not exactly what to_text() writes: somebody else's, or an older Hearth's.
std::optional<model::Allocation> allocation_of(std::string_view text);

// How every entry of this instance begins, and of no other.
std::string entry_prefix(std::string_view instance);
// How the one entry of this allocation's instance and slot begins.
std::string entry_prefix(const model::Allocation& allocation);

}  // namespace hearth::messaging
