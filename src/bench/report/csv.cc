#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench/report/report.h"

namespace hearth::bench {
namespace {

std::string field(const std::string& text) {
  const bool outside_space = !text.empty() && (text.front() == ' ' || text.back() == ' ');
  if (text.find_first_of(",\"\r\n") == std::string::npos && !outside_space) {
    return text;
  }
  std::string quoted = "\"";
  for (const char c : text) {
    quoted.append(c == '"' ? 2 : 1, c);
  }
  return quoted + '"';
}

std::string field(double number) { return std::isfinite(number) ? fmt::format("{}", number) : std::string(); }

std::string reasons(const Sample& sample) {
  std::string text;
  for (const auto& [reason, count] : sample.errors_by_reason) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", reason, count);
  }
  return text;
}

std::string row(const RunResult& run, const Sample& sample) {
  const LatencySummary& latency = sample.latency;
  const std::string what = fmt::format(
      "{},{},{},{},{},{},{},{},{},{},{},{}", field(run.test), field(run.started_at), field(sample.target),
      sample.repeat, field(sample.x), field(sample.label), sample.calls, sample.errors,
      field(reasons(sample)), sample.cold, field(sample.seconds), field(sample.per_second));
  const std::string times =
      fmt::format("{},{},{},{},{},{},{},{},{}", field(sample.megabytes_per_second), latency.count,
                  field(latency.mean_us), field(latency.min_us), field(latency.p50_us), field(latency.p90_us),
                  field(latency.p99_us), field(latency.p999_us), field(latency.max_us));
  return fmt::format("{},{},{},{},{}\r\n", what, times, field(sample.server_cpu_us_per_call),
                     field(sample.client_cpu), sample.client_limited ? "true" : "false");
}

}  // namespace

std::string csv(const RunResult& run) {
  std::string text =
      "test,started_at,target,repeat,x,label,calls,errors,errors_by_reason,cold,seconds,per_second,"
      "megabytes_per_second,latency_count,latency_mean_us,latency_min_us,latency_p50_us,latency_p90_us,"
      "latency_p99_us,latency_p999_us,latency_max_us,server_cpu_us_per_call,client_cpu,client_limited\r\n";
  for (const Sample& sample : run.samples) {
    text += row(run, sample);
  }
  return text;
}

}  // namespace hearth::bench
