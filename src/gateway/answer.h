// The answers of the API as HTTP responses: errors in their one form, an invocation's output with its
// timed steps, a function as JSON. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dispatch/dispatcher.h"
#include "http/message.h"
#include "model/api_error.h"
#include "model/function.h"
#include "model/outcome.h"

namespace hearth::gateway {

// {"error": {"code", "message"}} with the code's status.
http::Response error_response(model::ApiErrorCode code, std::string_view message);
http::Response error_response(const base::Error& error);
// The code of a refusal of the HTTP server's own.
model::ApiErrorCode refusal_code(int status);

// 200 {"output", "logs"}, or the outcome's error with its status, "type", "stack" and "logs".
// `total_us`: from the request's arrival to now.
http::Response execution_response(model::Execution&& execution, const dispatch::DispatchSteps& steps,
                                  std::int64_t total_us);

// `text` as a JSON string with its quotes. What is not UTF-8 becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);
// A member of the object that `out` ends with, behind those that it has.
void append_json_field(std::string& out, std::string_view name, std::string_view text);

// One alias: {"name", "version", "weights" where a canary takes some of the calls, "updatedAt"}.
std::string alias_json(const model::Alias& alias);
// All of them: [{…}, …], by name.
std::string aliases_json(const model::Aliases& aliases);

// The function object of design section 7 and what stands beside it. `provisioned_ready` as in
// concurrency_json().
std::string function_json(const model::Function& function, const std::string& blob_uri,
                          std::optional<std::uint32_t> provisioned_ready = std::nullopt);

// A version by itself: what the function object says of its current one, and whether it is that.
std::string version_json(const model::Version& version, std::uint32_t current, const std::string& blob_uri);

// [{"stream":"stdout","text":"…"},…]
void append_log_chunks(std::string& out, const std::vector<model::LogChunk>& chunks);

// "2026-01-31T12:00:00.123Z"
std::string rfc3339(std::int64_t unix_ms);

}  // namespace hearth::gateway
