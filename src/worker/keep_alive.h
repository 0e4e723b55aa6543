// How long an idle instance is kept, and when one is to be there again before a call that is expected.
//
// The worker says when a function is called, and asks for a plan when it looks at an idle instance. Two
// policies: the paper's fixed time, and one that learns from the times between calls. Each worker has one of
// its own, which knows the calls of that worker alone. Pure: time is handed in. Loop thread only.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "base/event_loop.h"
#include "model/function.h"

namespace hearth::worker {

// A time in which a call is expected. An instance is started at its beginning, and kept to its end.
struct PreWarm {
  base::TimePoint at{};
  base::TimePoint until{};

  bool operator==(const PreWarm&) const = default;
};

struct KeepAlivePlan {
  base::TimePoint keep_until{};     // then the instance is removed
  std::optional<PreWarm> pre_warm;  // begins after keep_until

  bool operator==(const KeepAlivePlan&) const = default;
};

class KeepAlivePolicy {
 public:
  virtual ~KeepAlivePolicy() = default;
  // The shortest time that an idle instance is kept, whatever is known.
  virtual base::Duration least() const = 0;
  // No: nothing follows from calls, and it need not be told of them. (Each would cost a look at the clock.)
  virtual bool learns() const = 0;
  // A call of the function begins.
  virtual void called(const model::FunctionId& function, base::TimePoint now) = 0;
  // What is to become of the function's only instance, which has been idle since then.
  virtual KeepAlivePlan plan(const model::FunctionId& function, base::TimePoint idle_since) const = 0;
};

enum class KeepAliveKind { kFixed, kAdaptive };

struct KeepAliveOptions {
  KeepAliveKind kind = KeepAliveKind::kFixed;             // --keep-alive-policy
  std::chrono::milliseconds time{15 * 60 * 1'000};        // --keep-alive, from the end of the last execution
  std::chrono::milliseconds longest{4 * 15 * 60 * 1000};  // --keep-alive-longest: the adaptive policy's most

  bool operator==(const KeepAliveOptions&) const = default;
};

std::unique_ptr<KeepAlivePolicy> make_keep_alive(const KeepAliveOptions& options);

}  // namespace hearth::worker
