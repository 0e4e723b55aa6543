// The link between simulated servers and workers, with what link/http promises: a worker that does not admit
// in time is asked nothing more, one that has admitted and is lost, or the way to it, ends the call; what a
// dead server has leases on is given back. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "link/link.h"
#include "sim/dice.h"
#include "tests/simulation/process_loop.h"
#include "tests/simulation/runs.h"
#include "worker/worker.h"

namespace hearth::simulation {

struct WireCall;

// A worker's process as the wire reaches it.
struct WireHost {
  ProcessLoop& loop;
  worker::Worker& worker;
  std::set<std::shared_ptr<WireCall>,
           bool (*)(const std::shared_ptr<WireCall>&, const std::shared_ptr<WireCall>&)>
      admitted;
  // Who holds which lease.
  std::map<std::pair<std::string, std::uint32_t>, std::pair<ProcessId, model::Allocation>> leases;
};

class Wire {
 public:
  Wire(sim::SimLoop& loop, Runs& runs, sim::Dice dice) : loop_(loop), runs_(runs), dice_(dice) {}
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // `worker` and its loop are there until leave().
  void join(const std::string& uri, ProcessLoop& loop, worker::Worker& worker);
  // The worker's process is dead: whoever waits for its answers finds out in a while.
  void leave(const std::string& uri);
  // A server's process is dead.
  void forget_server(ProcessId process);
  // Of the calls, in the middle.
  void cut(double share) { cut_ = share; }

 private:
  friend class WireLink;
  class Return;

  base::Duration pause();
  WireHost* host(const std::string& uri);
  void arrive(const std::shared_ptr<WireCall>& call, const model::Allocation& allocation,
              const model::ExecuteRequest& request);
  void maybe_cut(const std::shared_ptr<WireCall>& call);
  void release_lost(const std::string& uri, const model::Allocation& lease);
  void end(const std::shared_ptr<WireCall>& call, model::Execution&& execution,
           std::optional<model::Allocation>&& lease);

  sim::SimLoop& loop_;
  Runs& runs_;
  sim::Dice dice_;
  std::map<std::string, std::unique_ptr<WireHost>> hosts_;
  double cut_ = 0;
};

// Of one server process.
class WireLink final : public link::Link {
 public:
  static constexpr std::chrono::milliseconds kAdmissionDeadline{250};

  // Both outlive it.
  WireLink(Wire& wire, ProcessLoop& loop, ProcessId process) : wire_(wire), loop_(loop), process_(process) {}

  void execute(const model::Allocation& allocation, model::ExecuteRequest request,
               std::shared_ptr<model::ExecutionObserver> observer) override;
  // None is so short that it would stand behind another.
  void execute_behind(const model::Allocation& running, model::ExecuteRequest request,
                      std::shared_ptr<model::ExecutionObserver> observer) override;
  void take_back(const model::Allocation& /*running*/) override {}
  bool may_keep(const model::Allocation& /*lease*/) const override { return true; }
  void release(const model::Allocation& lease, model::ReleaseKind kind) override;

 private:
  Wire& wire_;
  ProcessLoop& loop_;
  const ProcessId process_;
};

}  // namespace hearth::simulation
