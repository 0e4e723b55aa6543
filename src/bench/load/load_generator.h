// The load as a whole: one client thread, the caller's own, or several. One thread calls it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "bench/load/call_plan.h"
#include "bench/load/load_client.h"

namespace hearth::bench {

class LoadGenerator {
 public:
  // `stop` outlives it.
  LoadGenerator(CallPlan plan, const std::atomic<bool>& stop, std::uint32_t threads = 1);
  LoadGenerator(const LoadGenerator&) = delete;
  LoadGenerator& operator=(const LoadGenerator&) = delete;

  // Blocks for the stretch and until the calls then in flight have ended, at most a call's time-out.
  LoadCount run(const Stretch& stretch, CallSink* sink = nullptr);

 private:
  const CallPlan plan_;
  std::vector<std::unique_ptr<LoadClient>> clients_;
};

}  // namespace hearth::bench
