#include "link/crossloop/crossloop_link.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "base/bring_back.h"

namespace hearth::link {
namespace {

struct Done {
  model::Execution execution;
  std::optional<model::Allocation> lease;
};
using Ended = std::variant<model::Refusal, Done>;

// Stands on the worker's loop for an observer of another.
class DistantObserver final : public model::ExecutionObserver {
 public:
  explicit DistantObserver(std::function<void(Ended)> tell) : tell_(std::move(tell)) {}

  void refused(model::Refusal refusal) override { tell_(refusal); }
  void done(model::Execution&& execution, std::optional<model::Allocation>&& lease) override {
    tell_(Done{std::move(execution), std::move(lease)});
  }

 private:
  const std::function<void(Ended)> tell_;
};

void tell(model::ExecutionObserver& observer, Ended ended) {
  if (auto* done = std::get_if<Done>(&ended)) {
    observer.done(std::move(done->execution), std::move(done->lease));
  } else {
    observer.refused(std::get<model::Refusal>(ended));
  }
}

}  // namespace

const LoopExecutor* CrossLoopLink::find(const model::Allocation& allocation) const {
  const auto found = std::find_if(others_.begin(), others_.end(), [&](const LoopExecutor& other) {
    return other.uri == allocation.worker_uri;
  });
  return found == others_.end() ? nullptr : &*found;
}

void CrossLoopLink::execute(const model::Allocation& allocation, model::ExecuteRequest request,
                            std::shared_ptr<model::ExecutionObserver> observer) {
  if (is_own(allocation)) {
    own_.executor->execute(allocation, std::move(request), std::move(observer));
    return;
  }
  const LoopExecutor* other = find(allocation);
  if (other == nullptr) {
    observer->refused(model::Refusal::kGone);
    return;
  }
  auto told = std::make_shared<DistantObserver>(base::bring_back(
      *own_.loop,
      std::function([observer = std::move(observer)](Ended ended) { tell(*observer, std::move(ended)); })));
  other->loop->post([executor = other->executor, allocation, request = std::move(request), told] {
    executor->execute(allocation, request, told);
  });
}

void CrossLoopLink::execute_behind(const model::Allocation& running, model::ExecuteRequest request,
                                   std::shared_ptr<model::ExecutionObserver> observer) {
  if (is_own(running)) {
    own_.executor->execute_behind(running, std::move(request), std::move(observer));
  } else {
    observer->refused(model::Refusal::kBusy);
  }
}

void CrossLoopLink::take_back(const model::Allocation& running) {
  if (is_own(running)) {
    own_.executor->take_back(running);
  }
}

void CrossLoopLink::release(const model::Allocation& lease, model::ReleaseKind kind) {
  if (is_own(lease)) {
    own_.executor->release(lease, kind);
  } else if (const LoopExecutor* other = find(lease)) {
    other->loop->post([executor = other->executor, lease, kind] { executor->release(lease, kind); });
  }
}

}  // namespace hearth::link
