// Which of many functions each call goes to, by Zipf's law: the k-th most popular is called 1/k^s as often
// as the first. The same sequence for the same seed. Pure.
#pragma once

#include <cstdint>
#include <vector>

namespace hearth::bench {

// The share of each of `count` functions, the most popular first; they add up to 1.
std::vector<double> zipf_shares(std::uint32_t count, double exponent);

// `calls` picks from 0 to count - 1.
std::vector<std::uint32_t> zipf_order(std::uint32_t count, double exponent, std::size_t calls,
                                      std::uint64_t seed);

}  // namespace hearth::bench
