// What a caller may say of a function beside its versions: its limits, and what becomes of its asynchronous
// executions. Read from bodies, and shown. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/policy.h"

namespace hearth::gateway {

inline constexpr std::uint32_t kMostConcurrency = 100'000;   // of "maxConcurrency", "reservedConcurrency"
inline constexpr std::uint32_t kMostProvisioned = 1'000;     // of "provisionedConcurrency"
inline constexpr std::uint32_t kMostRetries = 100;           // of "retries"
inline constexpr std::uint32_t kMostAgeS = 30 * 24 * 3'600;  // of "maxAge", seconds
inline constexpr std::uint32_t kMostBacklog = 100'000'000;   // of "maxBacklog"
inline constexpr std::size_t kWebhookUrlBytes = 2'048;
inline constexpr std::size_t kWebhookSecretBytes = 256;

// {"maxConcurrency", "reservedConcurrency", "provisionedConcurrency"}; what is left out or null has its
// default. kCorrupt: it is not JSON; kInvalidArgument names the field and what is wrong with it.
base::Result<model::Concurrency> parse_concurrency(std::string_view body);
// {"retries", "maxAge", "maxBacklog", "onSuccess", "onFailure"}, in the same way. A destination is
// {"function": NAME} or {"url": URL, "secret": TEXT}; without a secret, one of the same URL keeps what it has
// in `before`.
base::Result<model::AsyncPolicy> parse_async(std::string_view body, const model::AsyncPolicy& before);

// `provisioned_ready`: how many of those that are kept started are; nothing: it is not said.
std::string concurrency_json(const model::Concurrency& concurrency,
                             std::optional<std::uint32_t> provisioned_ready = std::nullopt);
// Of a secret only whether there is one.
std::string async_json(const model::AsyncPolicy& policy);

}  // namespace hearth::gateway
