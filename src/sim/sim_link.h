// One gateway's simulated link: half a round trip to the worker and half a round trip back. A worker that is
// lost does not answer: whoever asks gives it up after a quarter of a second, whoever waits for an answer
// when it is forgotten. Loop thread only.
#pragma once

#include <cstdint>
#include <memory>

#include "base/event_loop.h"
#include "link/link.h"
#include "sim/hosts.h"
#include "sim/sim_loop.h"

namespace hearth::sim {

class SimLink final : public link::Link {
 public:
  // No admission within this: another worker is asked.
  static constexpr std::chrono::milliseconds kAdmissionDeadline{250};

  // All outlive it, but for the duration.
  SimLink(Hosts& hosts, std::chrono::microseconds round_trip, base::EventLoop& loop)
      : hosts_(hosts), half_(base::Duration(round_trip) / 2), loop_(loop) {}

  void execute(const model::Allocation& allocation, model::ExecuteRequest request,
               std::shared_ptr<model::ExecutionObserver> observer) override;
  // No simulated call is so short that it would stand behind another.
  void execute_behind(const model::Allocation& running, model::ExecuteRequest request,
                      std::shared_ptr<model::ExecutionObserver> observer) override;
  void take_back(const model::Allocation& /*running*/) override {}
  bool may_keep(const model::Allocation& /*lease*/) const override { return true; }
  void release(const model::Allocation& lease, model::ReleaseKind kind) override;

 private:
  class Return;

  void refuse_at(base::TimePoint when, std::shared_ptr<model::ExecutionObserver> observer);

  Hosts& hosts_;
  const base::Duration half_;
  base::EventLoop& loop_;
};

}  // namespace hearth::sim
