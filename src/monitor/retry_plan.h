// When an asynchronous execution whose attempt has failed is tried again. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "model/async_execution.h"

namespace hearth::monitor {

struct RetryOptions {
  std::uint32_t retries = 2;               // --async-retries: of attempts that the function failed
  std::chrono::milliseconds delay{1'000};  // --async-retry-delay: before the first; doubled for each more
  std::chrono::milliseconds max_age =
      std::chrono::hours(6);  // --async-max-age: from its acceptance; then it is tried no more
};

// The longest delays; the jitter comes on top.
inline constexpr std::chrono::milliseconds kLongestDelay = std::chrono::hours(1);
inline constexpr std::chrono::milliseconds kLongestPlatformDelay = std::chrono::seconds(30);

struct FailedTry {
  bool counts = true;          // the function failed it, not the platform
  std::uint32_t failures = 0;  // that count, this one included
  std::uint32_t attempts = 1;  // of any kind, this one included
  std::int64_t accepted_ms = 0;
  std::int64_t now_ms = 0;
  double jitter = 1;  // times the delay: 0.5 to 1.5
};

// With what the function has of its own. A message to a webhook has retries of its own: the function's are
// for its calls.
RetryOptions with_policy(RetryOptions options, model::ExecutionKind kind, const model::AsyncPolicy& policy);

// Nothing: it is dead.
std::optional<std::int64_t> retry_at(const RetryOptions& options, const FailedTry& failed);

}  // namespace hearth::monitor
