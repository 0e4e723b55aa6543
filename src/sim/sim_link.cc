#include "sim/sim_link.h"

#include <utility>

namespace hearth::sim {

// The way back of one execution.
class SimLink::Return final : public model::ExecutionObserver {
 public:
  Return(SimLink& link, Host& host, std::uint64_t execution)
      : link_(link), host_(host), execution_(execution) {}

  void refused(model::Refusal refusal) override {
    if (auto observer = taken()) {
      link_.loop_.at(link_.loop_.now() + link_.half_,
                     [observer = std::move(observer), refusal] { observer->refused(refusal); });
    }
  }
  void done(model::Execution&& execution, std::optional<model::Allocation>&& lease) override {
    if (auto observer = taken()) {
      auto answer = std::make_shared<Answer>(Answer{std::move(execution), std::move(lease)});
      link_.loop_.at(link_.loop_.now() + link_.half_, [observer = std::move(observer), answer] {
        observer->done(std::move(answer->execution), std::move(answer->lease));
      });
    }
  }

 private:
  struct Answer {
    model::Execution execution;
    std::optional<model::Allocation> lease;
  };

  // Null when nobody waits any more.
  std::shared_ptr<model::ExecutionObserver> taken() {
    const auto waiting = host_.awaited.extract(execution_);
    return waiting.empty() ? nullptr : waiting.mapped();
  }

  SimLink& link_;
  Host& host_;
  const std::uint64_t execution_;
};

void SimLink::refuse_at(base::TimePoint when, std::shared_ptr<model::ExecutionObserver> observer) {
  loop_.at(when, [observer = std::move(observer)] { observer->refused(model::Refusal::kNoAnswer); });
}

void SimLink::execute(const model::Allocation& allocation, model::ExecuteRequest request,
                      std::shared_ptr<model::ExecutionObserver> observer) {
  Host& host = host_at(hosts_, allocation.worker_uri);
  if (host.forgotten) {
    refuse_at(loop_.now(), std::move(observer));
    return;
  }
  const base::TimePoint give_up = loop_.now() + kAdmissionDeadline;
  loop_.at(loop_.now() + half_,
           [this, &host, give_up, allocation, request = std::move(request), observer = std::move(observer)] {
             if (host.lost) {
               refuse_at(give_up, observer);
               return;
             }
             const std::uint64_t execution = ++host.last_execution;
             host.awaited.emplace(execution, observer);
             host.worker->execute(allocation, request, std::make_shared<Return>(*this, host, execution));
           });
}

void SimLink::execute_behind(const model::Allocation& /*running*/, model::ExecuteRequest /*request*/,
                             std::shared_ptr<model::ExecutionObserver> observer) {
  loop_.post([observer = std::move(observer)] { observer->refused(model::Refusal::kBusy); });
}

void SimLink::release(const model::Allocation& lease, model::ReleaseKind kind) {
  Host& host = host_at(hosts_, lease.worker_uri);
  loop_.at(loop_.now() + half_, [&host, lease, kind] {
    if (!host.lost) {
      host.worker->release(lease, kind);
    }
  });
}

}  // namespace hearth::sim
