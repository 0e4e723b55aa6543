// The functions of a simulated platform: how popular each is, how much memory it has and how long its calls
// run. Drawn once; immutable. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "model/function.h"
#include "sim/dice.h"
#include "sim/settings.h"

namespace hearth::sim {

// The most popular first.
class Functions {
 public:
  Functions(const LoadSettings& load, Dice dice);

  std::uint32_t size() const { return static_cast<std::uint32_t>(versions_.size()); }
  const model::VersionPtr& version(std::uint32_t function) const { return versions_[function]; }
  // Of all calls.
  double share(std::uint32_t function) const;
  // The function that a call goes to.
  std::uint32_t pick(Dice& dice) const;
  // How long a call of it runs.
  std::chrono::microseconds run(std::uint32_t function, Dice& dice) const;

  // The function whose version this is.
  static std::uint32_t of(const model::Version& version);

 private:
  void scale_runs(std::chrono::microseconds mean);

  std::vector<model::VersionPtr> versions_;
  std::vector<double> upto_;           // shares of all calls, summed up
  std::vector<double> run_median_us_;  // of each
};

}  // namespace hearth::sim
