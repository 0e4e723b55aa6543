// What a replay finds beyond a load: counted call by call, kept as a sample's figures, and said in words.
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/load/call_plan.h"
#include "bench/load/hdr_histogram.h"
#include "bench/result.h"
#include "bench/run/memory_time.h"

namespace hearth::bench {

class ReplayCount final : public CallSink {
 public:
  // How long each function's handler was told to take.
  explicit ReplayCount(std::vector<std::uint32_t> run_ms) : run_ms_(std::move(run_ms)) {}

  void on_call(const FinishedCall& call) override;

  // Into a sample's figures, with the memory that was charged meanwhile.
  void write(const MemoryTime& memory, Sample& sample) const;

 private:
  const std::vector<std::uint32_t> run_ms_;
  HdrHistogram slowdown_;  // in thousandths
  std::uint64_t cold_prestarted_ = 0;
};

// A paragraph for each sample that has such figures.
std::string replay_text(const RunResult& result);

}  // namespace hearth::bench
