// The link of `hearth serve` with one event loop: the one worker is in the same process, on the same loop.
#pragma once

#include <utility>

#include "link/link.h"

namespace hearth::link {

class InprocLink final : public Link {
 public:
  // `executor` outlives the link.
  explicit InprocLink(model::Executor& executor) : executor_(executor) {}

  void execute(const model::Allocation& allocation, model::ExecuteRequest request,
               std::shared_ptr<model::ExecutionObserver> observer) override {
    executor_.execute(allocation, std::move(request), std::move(observer));
  }
  void execute_behind(const model::Allocation& running, model::ExecuteRequest request,
                      std::shared_ptr<model::ExecutionObserver> observer) override {
    executor_.execute_behind(running, std::move(request), std::move(observer));
  }
  void take_back(const model::Allocation& running) override { executor_.take_back(running); }
  bool may_keep(const model::Allocation& /*lease*/) const override { return true; }
  void release(const model::Allocation& lease, model::ReleaseKind kind) override {
    executor_.release(lease, kind);
  }

 private:
  model::Executor& executor_;
};

}  // namespace hearth::link
