// The contract between whoever has an invocation and whoever executes it: the dispatcher asks over a
// link, the worker answers. Values and two interfaces, the same in one process and between hosts.
//
// Loop thread only, on both sides.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "model/allocation.h"
#include "model/function.h"
#include "model/outcome.h"
#include "model/request_id.h"

namespace hearth::model {

struct ExecuteRequest {
  VersionPtr version;
  std::string function_name;  // shown to the handler: the function's name, or its id
  RequestId request_id;
  std::shared_ptr<const std::string> body;  // immutable; outlives a caller that leaves
  bool version_retired = false;             // no longer current: the instance is for no other call
  // On the worker's clock: from here on nobody waits for it any more, and it is ended.
  std::chrono::steady_clock::time_point latest = std::chrono::steady_clock::time_point::max();
};

// Why a worker did not take an invocation. Nothing has been executed: another may be asked.
enum class Refusal {
  kGone,      // the reservation is no more, or the epoch is used up: drop the allocation
  kTooSmall,  // the reservation cannot hold this version
  kDraining,  // the worker is stopping
  kNoAnswer,  // no admission in time (between hosts)
  kTooLarge,  // the body is over the worker's own bound, --max-body-bytes
  kBusy,      // no call may stand behind the one that is executed, or this one had to wait too long there
};

std::string_view to_string(Refusal refusal);

// Gets exactly one of refused() and done(), unless it turned the admission down. May be called inside
// execute().
class ExecutionObserver {
 public:
  virtual ~ExecutionObserver() = default;
  // The worker is about to execute. False: whoever asked is not there any more: nothing is executed, the
  // instance is anybody's again, and this observer gets nothing more.
  virtual bool admitted() { return true; }
  virtual void refused(Refusal refusal) = 0;
  // `lease`: the right to the next execution on this instance, now the observer's to use or to
  // release; none when the instance is on its way out, or goes on with a call that stood behind this one.
  virtual void done(Execution&& execution, std::optional<Allocation>&& lease) = 0;
};

enum class ReleaseKind {
  kKeep,    // back onto the warm stack
  kRemove,  // its version is no longer wanted
  kLost,    // its holder has not been heard of: what that holds is stale from now on
};

// The longest body of a call that may stand behind another: it fits into one packet of a pipe with its head.
inline constexpr std::size_t kBehindBodyBytes = 3'800;
// Calls that an instance has been given at once, the one that it executes included, though it takes one at a
// time: the next is at hand when one ends, and nobody has to be woken.
inline constexpr std::uint32_t kBehindMost = 16;  // as many packets as a pipe holds

// What a worker offers to dispatchers.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void execute(const Allocation& allocation, ExecuteRequest request,
                       std::shared_ptr<ExecutionObserver> observer) = 0;
  // Gives one more call to the instance that executes on `running` now: it is executed when those before it
  // have ended; at once when they have, on the lease that came with the last of them, which is then used up.
  // Whoever was given `running`, and every lease since, may ask; refused with kBusy where it does not fit.
  virtual void execute_behind(const Allocation& running, ExecuteRequest request,
                              std::shared_ptr<ExecutionObserver> observer) = 0;
  // The calls that have not begun on that instance are refused with kBusy: another may be asked.
  virtual void take_back(const Allocation& running) = 0;
  // Ends a lease. One that is stale already is ignored.
  virtual void release(const Allocation& lease, ReleaseKind kind) = 0;
};

}  // namespace hearth::model
