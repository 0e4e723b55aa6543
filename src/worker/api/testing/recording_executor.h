// A worker that writes down what it is asked and answers when a test says so. Tests only.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cluster/wire.h"
#include "model/execution.h"

namespace hearth::worker {

class RecordingExecutor final : public model::Executor {
 public:
  struct Asked {
    cluster::Ask ask;
    model::Allocation allocation;
    model::ExecuteRequest request;
    std::shared_ptr<model::ExecutionObserver> observer;

    // What a worker does when it takes the call; false: nobody waits for it.
    bool admit() const { return observer->admitted(); }
    void refuse(model::Refusal refusal) const { observer->refused(refusal); }
    // Ends it with an output, and the next epoch as a lease.
    void finish(const std::string& output = "1", bool reusable = true) const {
      model::Execution execution;
      execution.outcome.output = output;
      auto lease = allocation;
      ++lease.epoch;
      observer->done(std::move(execution), reusable ? std::optional(lease) : std::nullopt);
    }
  };

  void execute(const model::Allocation& allocation, model::ExecuteRequest request,
               std::shared_ptr<model::ExecutionObserver> observer) override {
    asked.push_back({cluster::Ask::kExecute, allocation, std::move(request), std::move(observer)});
    if (admits_at_once) {
      admitted.push_back(asked.back().admit());
    }
  }
  void execute_behind(const model::Allocation& running, model::ExecuteRequest request,
                      std::shared_ptr<model::ExecutionObserver> observer) override {
    asked.push_back({cluster::Ask::kBehind, running, std::move(request), std::move(observer)});
  }
  void take_back(const model::Allocation& running) override { taken_back.push_back(running); }
  void release(const model::Allocation& lease, model::ReleaseKind kind) override {
    released.emplace_back(lease, kind);
  }

  bool admits_at_once = false;
  std::vector<bool> admitted;  // what each was told then
  std::vector<Asked> asked;
  std::vector<model::Allocation> taken_back;
  std::vector<std::pair<model::Allocation, model::ReleaseKind>> released;
};

}  // namespace hearth::worker
