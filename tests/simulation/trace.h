// What happened in one simulated run: a hash of every event, to tell two runs apart, the faults in their
// order, and what the checkers have found. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/sim_loop.h"

namespace hearth::simulation {

class Trace {
 public:
  explicit Trace(const sim::SimLoop& loop) : loop_(loop), began_(loop.now()) {}

  // One event.
  void mix(std::uint64_t value);
  void mix(std::string_view text);
  // Something was done to the platform.
  void fault(const std::string& what);
  // Something that must never be. The first ones are kept.
  void violation(const std::string& what);

  // Since the run's begin.
  std::int64_t now_ms() const;
  std::uint64_t hash() const { return hash_; }
  const std::vector<std::string>& faults() const { return faults_; }
  const std::vector<std::string>& violations() const { return violations_; }

 private:
  static constexpr std::size_t kViolationsKept = 1'000;

  std::string line(const std::string& what) const;

  const sim::SimLoop& loop_;
  const base::TimePoint began_;
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
  std::vector<std::string> faults_;
  std::vector<std::string> violations_;
};

}  // namespace hearth::simulation
