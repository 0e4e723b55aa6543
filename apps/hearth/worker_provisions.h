// What one loop's worker keeps started: its part of each function's number, of the loops of a process that is
// the whole platform. On that loop.
#pragma once

#include <cstdint>

#include "gateway/provisions.h"
#include "worker/worker.h"

namespace hearth {

// One of several loops.
struct LoopPart {
  std::uint32_t index = 0;
  std::uint32_t count = 1;

  // Its part of so many: the first loops have one more.
  std::uint32_t of(std::uint32_t number) const { return number / count + (index < number % count ? 1U : 0U); }
};

class WorkerProvisions final : public gateway::Provisions {
 public:
  // `worker` outlives it.
  WorkerProvisions(worker::Worker& worker, LoopPart part) : worker_(worker), part_(part) {}

  void changed(const model::Function& function) override;
  std::uint32_t ready(const model::FunctionId& function) const override {
    return worker_.provisioned_ready(function);
  }

 private:
  worker::Worker& worker_;
  const LoopPart part_;
};

// Of several hosts.
class NoProvisions final : public gateway::Provisions {
 public:
  void changed(const model::Function& /*function*/) override {}
  std::uint32_t ready(const model::FunctionId& /*function*/) const override { return 0; }
};

}  // namespace hearth
