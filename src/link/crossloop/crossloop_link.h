// The link of `hearth serve --threads N`: each loop has a worker. The own one is called, another loop's is
// asked by a message, and so is the answer.
//
// Used on its own loop only.
#pragma once

#include <string>
#include <vector>

#include "base/event_loop.h"
#include "link/link.h"

namespace hearth::link {

// A worker and the loop that it lives on.
struct LoopExecutor {
  std::string uri;  // in every allocation of it
  base::EventLoop* loop = nullptr;
  model::Executor* executor = nullptr;
};

class CrossLoopLink final : public Link {
 public:
  // Loops and executors outlive the link.
  CrossLoopLink(LoopExecutor own, std::vector<LoopExecutor> others)
      : own_(std::move(own)), others_(std::move(others)) {}

  void execute(const model::Allocation& allocation, model::ExecuteRequest request,
               std::shared_ptr<model::ExecutionObserver> observer) override;
  // On another loop's instance none: refused with kBusy.
  void execute_behind(const model::Allocation& running, model::ExecuteRequest request,
                      std::shared_ptr<model::ExecutionObserver> observer) override;
  void take_back(const model::Allocation& running) override;
  // The own worker's only: another's would have every call that uses it cross loops.
  bool may_keep(const model::Allocation& lease) const override { return is_own(lease); }
  void release(const model::Allocation& lease, model::ReleaseKind kind) override;

 private:
  bool is_own(const model::Allocation& allocation) const { return allocation.worker_uri == own_.uri; }
  const LoopExecutor* find(const model::Allocation& allocation) const;

  const LoopExecutor own_;
  const std::vector<LoopExecutor> others_;
};

}  // namespace hearth::link
