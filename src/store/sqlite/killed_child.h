// A process that changes a store until it is killed. Tests only.
#pragma once

#include <cstddef>
#include <functional>
#include <random>
#include <string>

namespace hearth::store::sqlite {

// Runs `work` in a child that writes to the descriptor it is given what it believes to be durable, and does
// not return. Kills it at a random moment: after at most `most_bytes` of that, and a random time more. All
// that it has written.
std::string told_until_killed(std::mt19937& dice, std::size_t most_bytes,
                              const std::function<void(int out)>& work);

}  // namespace hearth::store::sqlite
