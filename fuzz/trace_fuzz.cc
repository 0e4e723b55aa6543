// Files of a trace, which people bring along: whatever stands in them is read without harm, and what can be
// read keeps what src/trace promises. The three files stand one after the other, a line "---" between them.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "trace/azure_trace.h"

namespace {

namespace trace = hearth::trace;

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

std::optional<trace::NamedText> take_file(std::string_view& rest, const char* name) {
  constexpr std::string_view kBetween = "---\n";
  if (rest.empty()) {
    return std::nullopt;
  }
  const std::size_t end = rest.find(kBetween);
  const std::string_view text = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + kBetween.size());
  return trace::NamedText{name, text};
}

void check(const trace::Trace& read, const trace::TracedFunction& function) {
  std::int64_t before = -1;
  for (const trace::MinuteCalls& each : function.calls) {
    require(each.calls > 0 && each.calls <= trace::kMostCallsAMinute);
    require(std::int64_t{each.minute} > before && each.minute < read.minutes);
    before = each.minute;
  }
  if (function.runs) {
    require(std::ranges::is_sorted(function.runs->percentiles_ms));
    require(function.runs->percentiles_ms.front() >= 0 && function.runs->average_ms >= 0);
    require(function.runs->percentiles_ms.back() <= trace::kMostRunMs);
  }
  if (function.memory) {
    require(function.memory->most_mb >= 0 && function.memory->most_mb <= trace::kMostMemoryMb);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto invocations = take_file(rest, "invocations.csv");
  const auto durations = take_file(rest, "durations.csv");
  const auto memory = take_file(rest, "memory.csv");
  if (!invocations) {
    return 0;
  }
  const auto read = trace::parse_trace({*invocations, durations, memory});
  if (!read) {
    const std::string& message = read.error().message;
    require(message.find(".csv:") != std::string::npos && message.size() < 400);
    return 0;
  }
  require(!read->functions.empty() && read->minutes > 0 && read->minutes <= trace::kMostMinutes);
  for (const trace::TracedFunction& function : read->functions) {
    check(*read, function);
  }
  return 0;
}
