// The process between the fake backend and one program. See fake_backend.h.
#pragma once

#include <string>

#include "sandbox/sandbox.h"

namespace hearth::sandbox {

// What the supervisor writes: once when the program has been exec'ed or cannot be, once at its end.
struct SupervisorMessage {
  enum class Kind : int { kStarted, kFailed, kExited, kSignaled };
  Kind kind = Kind::kStarted;
  int value = 0;  // errno, exit status or signal
};

// Runs in a forked child: never returns. SIGTERM ends the tree. `status` is its end of the pipe.
[[noreturn]] void supervise(const std::string& marker, const Spec& spec, Descriptors descriptors,
                            base::UniqueFd status);

}  // namespace hearth::sandbox
