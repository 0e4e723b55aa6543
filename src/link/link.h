// The link port: from a dispatcher to the worker that an allocation names.
//
// Loop thread only. In one process it is a function call (inproc/), between hosts HTTP.
#pragma once

#include <memory>

#include "model/execution.h"

namespace hearth::link {

class Link {
 public:
  virtual ~Link() = default;
  // The observer gets exactly one of refused() and done(), perhaps inside this call.
  virtual void execute(const model::Allocation& allocation, model::ExecuteRequest request,
                       std::shared_ptr<model::ExecutionObserver> observer) = 0;
  // As Executor's.
  virtual void execute_behind(const model::Allocation& running, model::ExecuteRequest request,
                              std::shared_ptr<model::ExecutionObserver> observer) = 0;
  virtual void take_back(const model::Allocation& running) = 0;
  // Whether a dispatcher may keep this lease for its next call, or gives it back at once because its worker
  // is closer to another.
  virtual bool may_keep(const model::Allocation& lease) const = 0;
  // Gives a lease back; the worker then announces the instance again, or removes it.
  virtual void release(const model::Allocation& lease, model::ReleaseKind kind) = 0;
};

}  // namespace hearth::link
