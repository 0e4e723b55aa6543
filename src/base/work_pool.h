// Where work that may block is done, so that no loop ever does it: on threads (blocking_pool.h), or at a time
// that a simulation chooses. submit() from any thread.
#pragma once

#include <functional>

#include "base/result.h"

namespace hearth::base {

class WorkPool {
 public:
  virtual ~WorkPool() = default;
  // Never inside the call. kExhausted: there is no place for it, and it is not done. A job must not throw.
  virtual Result<void> submit(std::function<void()> job) = 0;
};

}  // namespace hearth::base
