// Traces in the format of the Azure Functions 2019 trace (Shahrad et al., "Serverless in the Wild", ATC 2020;
// https://github.com/Azure/AzurePublicDataset): a folder with one file each of
//
//   *invocations*.csv   HashOwner,HashApp,HashFunction,Trigger, then a column for each minute
//   *durations*.csv     HashOwner,HashApp,HashFunction,Average and percentile_Average_0 to 100, milliseconds
//   *memory*.csv        HashOwner,HashApp,AverageAllocatedMb,AverageAllocatedMb_pct100; a line for each app,
//                       or, with a column HashFunction, for each function
//
// The last two may be missing, and functions may be missing in them. A line of the first is one function.
// Errors name file, line and column. Blocking; any thread.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "trace/table.h"
#include "trace/trace.h"

namespace hearth::trace {

inline constexpr std::uint64_t kMostFileBytes = std::uint64_t{512} << 20U;  // the largest of a day has 140 MB
inline constexpr std::size_t kMostFunctions = 200'000;
inline constexpr std::uint32_t kMostMinutes = 14 * 24 * 60;
inline constexpr std::uint32_t kMostCallsAMinute = 100'000'000;
inline constexpr double kMostRunMs = 30.0 * 24 * 3'600 * 1'000;
inline constexpr double kMostMemoryMb = 1 << 20U;

struct TraceTexts {
  NamedText invocations;
  std::optional<NamedText> durations;
  std::optional<NamedText> memory;
};

// Pure.
base::Result<Trace> parse_trace(const TraceTexts& texts);

base::Result<Trace> read_trace(const std::string& folder);

}  // namespace hearth::trace
