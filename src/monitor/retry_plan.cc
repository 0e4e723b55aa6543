#include "monitor/retry_plan.h"

#include <algorithm>

namespace hearth::monitor {

RetryOptions with_policy(RetryOptions options, model::ExecutionKind kind, const model::AsyncPolicy& policy) {
  if (policy.retries && kind == model::ExecutionKind::kCall) {
    options.retries = *policy.retries;
  }
  if (policy.max_age_s) {
    options.max_age = std::chrono::seconds(*policy.max_age_s);
  }
  return options;
}

std::optional<std::int64_t> retry_at(const RetryOptions& options, const FailedTry& failed) {
  if (failed.counts && failed.failures > options.retries) {
    return std::nullopt;
  }
  const auto longest = failed.counts ? kLongestDelay : kLongestPlatformDelay;
  const std::uint32_t before = (failed.counts ? failed.failures : failed.attempts) - 1;
  auto delay = options.delay;
  for (std::uint32_t i = 0; i < before && delay < longest; ++i) {
    delay *= 2;
  }
  const double ms = static_cast<double>(std::min(delay, longest).count()) * failed.jitter;
  const std::int64_t due_ms = failed.now_ms + static_cast<std::int64_t>(ms);
  return due_ms - failed.accepted_ms > options.max_age.count() ? std::nullopt : std::optional(due_ms);
}

}  // namespace hearth::monitor
