// Every bound of the product, with its name and default. Each is a flag of `hearth serve`
// (apps/hearth/serve_options.cc) and is named in the error that it causes. Pure values.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/units.h"

namespace hearth::model {

// What one upload or one function may be.
struct UploadLimits {
  std::uint64_t zip_bytes = 50 * base::kMiB;        // --max-zip-bytes
  std::uint64_t unzipped_bytes = 250 * base::kMiB;  // --max-unzipped-bytes
  std::uint32_t zip_entries = 50'000;               // --max-zip-entries
  std::uint32_t path_bytes = 1'024;                 // of one entry's path
  std::uint32_t path_depth = 64;                    // folders above one entry
};

struct FunctionLimits {
  std::uint32_t memory_min_mb = 128;        // the paper's
  std::uint32_t memory_max_mb = 1'024;      // --memory-max; the paper's
  std::uint32_t timeout_max_ms = 900'000;   // --timeout-max
  std::uint32_t environment_bytes = 4'096;  // names and values together
  std::uint32_t name_bytes = 64;
  std::uint32_t concurrency_max = 100;  // --concurrency-max; invocations that one instance takes at once
  bool python = true;                   // false: the only host there is has none
};

struct InvocationLimits {
  std::uint64_t body_bytes = 6 * base::kMiB;      // --max-body-bytes
  std::uint64_t response_bytes = 6 * base::kMiB;  // --max-response-bytes
  std::uint64_t log_bytes = 256 * base::kKiB;     // --max-log-bytes, a call; the rest is cut with a mark
};

}  // namespace hearth::model
