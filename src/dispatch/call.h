// One invocation inside the dispatcher; a detail of dispatcher*.cc. Loop thread only.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "dispatch/dispatcher.h"

namespace hearth::dispatch {

// Shared with the worker as its observer, so that an execution outlives a
// caller that leaves.
class Dispatcher::Call final : public model::ExecutionObserver,
                               public std::enable_shared_from_this<Dispatcher::Call> {
 public:
  enum class State { kRouting, kHotWait, kCapacityWait, kRunning, kEnded };

  Call(Dispatcher& owner, CallId call_id, model::ExecuteRequest execute_request, Done callback)
      : dispatcher(owner), id(call_id), request(std::move(execute_request)), on_done(std::move(callback)) {}

  void refused(model::Refusal refusal) override { dispatcher.refused(shared_from_this(), refusal); }
  void done(model::Execution&& execution, std::optional<model::Allocation>&& lease) override {
    dispatcher.done(shared_from_this(), std::move(execution), std::move(lease));
  }

  // In a queue of the dispatcher's; kRouting is for as long as messaging takes to answer.
  bool waits() const { return state == State::kHotWait || state == State::kCapacityWait; }

  Dispatcher& dispatcher;
  const CallId id;
  model::ExecuteRequest request;
  Done on_done;  // empty once the caller has left
  State state = State::kRouting;
  model::VersionPtr version = request.version;
  base::TimePoint began{};
  base::TimePoint admitted{};
  base::TimerId timer = 0;
  base::TimePoint hot_until{};                    // of kHotWait
  bool cold = false;                              // executes on what was cold
  bool distant = false;                           // executes on what we may not keep
  bool behind = false;                            // was given to an instance that had calls already
  bool was_behind = false;                        // the same, and was taken back or refused
  std::optional<std::list<AtWork>::iterator> at;  // of kRunning, where one is executed at a time
  bool demanded = false;
  bool waited_hot = false;
  bool looking = false;     // messaging has been asked for an instance, while the call waits in a queue
  bool look_again = false;  // something was announced meanwhile
  bool last_look = false;   // nobody makes room: what is not found now is not there
  bool version_deleted = false;
  bool counted = false;  // by the limits
  DispatchSteps steps;
};

}  // namespace hearth::dispatch
