#include "sim/dice.h"

#include <cmath>
#include <numbers>

namespace hearth::sim {

std::uint64_t Dice::next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebULL;
  return mixed ^ (mixed >> 31U);
}

double Dice::share() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }

std::uint32_t Dice::below(std::uint32_t bound) {
  return static_cast<std::uint32_t>(share() * static_cast<double>(bound));
}

double Dice::exponential(double mean) { return -mean * std::log1p(-share()); }

double Dice::log_normal(double median, double sigma) {
  const double radius = std::sqrt(-2.0 * std::log1p(-share()));
  const double normal = radius * std::cos(2.0 * std::numbers::pi * share());
  return median * std::exp(sigma * normal);
}

}  // namespace hearth::sim
