#include "tests/faults/rounds.h"

#include <cstdlib>
#include <iostream>
#include <random>

namespace hearth::faults {

std::uint64_t number_of(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}

std::uint64_t announced_seed() {
  const std::uint64_t seed = number_of("HEARTH_FAULT_SEED", std::random_device()());
  std::cout << "HEARTH_FAULT_SEED=" << seed << std::endl;
  return seed;
}

}  // namespace hearth::faults
