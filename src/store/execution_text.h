// What an execution's failed attempts and logs look like in a column of a database. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/async_execution.h"

namespace hearth::store {

// A JSON array; its strings may hold any bytes.
std::string attempts_to_text(const std::vector<model::FailedAttempt>& attempts);
// kCorrupt when the text is not what attempts_to_text() makes.
base::Result<std::vector<model::FailedAttempt>> attempts_from_text(std::string_view text);
// The text with one more attempt, and without the oldest of more than are kept. kCorrupt.
base::Result<std::string> with_attempt(std::string_view text, const model::FailedAttempt& attempt);

// What is noted of an attempt whose lease ran out, or was released.
model::FailedAttempt lost_attempt(std::int64_t lease, std::int64_t started_ms, std::int64_t now_ms);

// Each chunk as "o5:bytes": the stream (o or e), how many bytes, the bytes as they are.
std::string logs_to_bytes(const std::vector<model::LogChunk>& chunks);
// kCorrupt when the bytes are not what logs_to_bytes() makes.
base::Result<std::vector<model::LogChunk>> logs_from_bytes(std::string_view bytes);

}  // namespace hearth::store
