// How often each fault comes, and at which moments: HEARTH_FAULT_ROUNDS (`tools/dev faults`: 20) and
// HEARTH_FAULT_SEED. Any thread.
#pragma once

#include <cstdint>

namespace hearth::faults {

// The number in the environment, or what it is otherwise.
std::uint64_t number_of(const char* variable, std::uint64_t otherwise);

inline std::uint64_t fault_rounds(std::uint64_t otherwise) {
  return number_of("HEARTH_FAULT_ROUNDS", otherwise);
}

// By chance unless one is named; printed, so that it can be.
std::uint64_t announced_seed();

}  // namespace hearth::faults
