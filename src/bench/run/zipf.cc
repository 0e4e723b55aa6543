#include "bench/run/zipf.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace hearth::bench {

std::vector<double> zipf_shares(std::uint32_t count, double exponent) {
  std::vector<double> shares(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    shares[i] = 1.0 / std::pow(i + 1.0, exponent);
  }
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  for (double& share : shares) {
    share /= sum;
  }
  return shares;
}

std::vector<std::uint32_t> zipf_order(std::uint32_t count, double exponent, std::size_t calls,
                                      std::uint64_t seed) {
  std::vector<double> upto = zipf_shares(count, exponent);
  std::partial_sum(upto.begin(), upto.end(), upto.begin());
  std::mt19937_64 random(seed);
  std::vector<std::uint32_t> order(calls);
  for (std::uint32_t& pick : order) {
    const double at = static_cast<double>(random() >> 11U) * 0x1.0p-53;  // below 1, the same on every machine
    const auto found = std::ranges::upper_bound(upto, at);
    pick = std::min(static_cast<std::uint32_t>(found - upto.begin()), count - 1);
  }
  return order;
}

}  // namespace hearth::bench
