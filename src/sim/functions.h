// The functions of a simulated platform: how popular each is, how much memory it has and how long its calls
// run. Drawn once, or told; immutable. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "model/function.h"
#include "sim/dice.h"
#include "sim/settings.h"

namespace hearth::sim {

// Of a function's calls, this share takes no longer than that.
struct RunPoint {
  double upto = 1;
  std::chrono::microseconds run{0};

  bool operator==(const RunPoint&) const = default;
};

struct ToldFunction {
  std::uint32_t memory_mb = 128;
  std::uint32_t used_mb = memory_mb;  // by an instance that stands still
  std::vector<RunPoint> runs;         // by share, the last 1; between two of them calls are spread evenly

  bool operator==(const ToldFunction&) const = default;
};

// The most popular first, when they are drawn.
class Functions {
 public:
  Functions(const LoadSettings& load, Dice dice);
  // Nobody picks among these.
  explicit Functions(const std::vector<ToldFunction>& told);

  std::uint32_t size() const { return static_cast<std::uint32_t>(versions_.size()); }
  const model::VersionPtr& version(std::uint32_t function) const { return versions_[function]; }
  // Of all calls.
  double share(std::uint32_t function) const;
  // The function that a call goes to.
  std::uint32_t pick(Dice& dice) const;
  // By an instance of it that stands still; of what was drawn, all of its memory.
  std::uint32_t used_mb(std::uint32_t function) const;
  // How long a call of it runs.
  std::chrono::microseconds run(std::uint32_t function, Dice& dice) const;

  // The function whose version this is.
  static std::uint32_t of(const model::Version& version);

 private:
  void add(std::uint32_t memory_mb);
  void scale_runs(std::chrono::microseconds mean);

  std::vector<model::VersionPtr> versions_;
  std::vector<double> upto_;                 // shares of all calls, summed up
  std::vector<double> run_median_us_;        // of each that was drawn
  std::vector<std::vector<RunPoint>> runs_;  // of each that was told
  std::vector<std::uint32_t> used_mb_;       // the same
};

}  // namespace hearth::sim
