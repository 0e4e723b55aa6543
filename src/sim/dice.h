// The simulation's chance: a sequence from a seed, the same on every machine. One thread.
#pragma once

#include <cstdint>

namespace hearth::sim {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next();                      // splitmix64
  double share();                            // 0 up to 1, without 1
  std::uint32_t below(std::uint32_t bound);  // 0 up to bound - 1
  double exponential(double mean);
  // The logarithm is normal with deviation `sigma`; half of the values are below `median`.
  double log_normal(double median, double sigma);

 private:
  std::uint64_t state_;
};

}  // namespace hearth::sim
