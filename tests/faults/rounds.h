// How often each fault comes, and at which moments: HEARTH_FAULT_ROUNDS (`tools/dev faults`: 20) and
// HEARTH_FAULT_SEED. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace hearth::faults {

// The number in the environment, or what it is otherwise.
std::uint64_t number_of(const char* variable, std::uint64_t otherwise);

inline std::uint64_t fault_rounds(std::uint64_t otherwise) {
  return number_of("HEARTH_FAULT_ROUNDS", otherwise);
}

// What a fault can strike; of that the everyday suite, which says no rounds, tries the first `few`.
template <typename Struck>
std::vector<Struck> all_or_few(std::initializer_list<Struck> all, std::size_t few) {
  return {all.begin(), fault_rounds(0) == 0 && few < all.size() ? all.begin() + few : all.end()};
}

// By chance unless one is named; printed, so that it can be.
std::uint64_t announced_seed();

}  // namespace hearth::faults
