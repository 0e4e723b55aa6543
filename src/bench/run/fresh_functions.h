// Functions that a run deploys beside its own, each of code that no server has seen; removed by the
// destructor. One thread; blocks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/run/session.h"

namespace hearth::bench {

struct FreshWish {
  std::uint64_t code_bytes = 0;                           // of code beside the handler, incompressible
  std::string runtime;                                    // empty: the server's default
  std::optional<std::uint32_t> memory_mb = std::nullopt;  // unset: the run's; the target's own goes before
  std::optional<TestFunction> function = std::nullopt;    // unset: the run's
};

class FreshFunctions {
 public:
  // `session` and `target` outlive it; the target takes functions.
  FreshFunctions(const Session& session, OpenTarget& target) : session_(session), target_(target) {}
  FreshFunctions(const FreshFunctions&) = delete;
  FreshFunctions& operator=(const FreshFunctions&) = delete;
  ~FreshFunctions();

  // How long the server took, in nanoseconds, without packing.
  base::Result<std::uint64_t> deploy(const FreshWish& wish);
  base::Result<void> deploy_many(std::uint32_t count);

  // One request for each function, in the order of their deployment.
  CallPlan plan() const;

 private:
  struct Deployed {
    std::string id;
    std::string body;  // of its calls
  };

  TestFunction function_of_run() const;

  const Session& session_;
  OpenTarget& target_;
  std::vector<Deployed> deployed_;
};

// A load of every request of `plan` once, all at the same time.
Stretch burst_of(const CallPlan& plan);

}  // namespace hearth::bench
