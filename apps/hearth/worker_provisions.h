// What one loop's worker keeps started: its part of each function's number, of the loops of a process that is
// the whole platform. On that loop.
#pragma once

#include <cstdint>

#include "gateway/provisions.h"
#include "worker/worker.h"

namespace hearth {

class WorkerProvisions final : public gateway::Provisions {
 public:
  // `worker` outlives it.
  WorkerProvisions(worker::Worker& worker, gateway::ProvisionPart part) : worker_(worker), part_(part) {}

  void changed(const model::Function& function) override;
  std::uint32_t ready(const model::FunctionId& function) const override {
    return worker_.provisioned_ready(function);
  }
  gateway::ProvisionCount in_all() const override;

 private:
  worker::Worker& worker_;
  const gateway::ProvisionPart part_;
};

}  // namespace hearth
