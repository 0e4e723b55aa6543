// "Did you mean": the known word nearest to a misspelt one. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::cli {

// Insertions, deletions, replacements and swaps of neighbours that turn one into the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The nearest candidate, when it is near (a third of its letters, at least one) or begins with the word.
std::optional<std::string> suggest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace hearth::cli
