#include <fmt/format.h>

#include <map>
#include <sstream>

#include "bench/report/aggregate.h"
#include "bench/report/report.h"
#include "bench/report/words.h"
#include "cli/format.h"

namespace hearth::bench {
namespace {

std::string upper(std::string text) {
  for (char& c : text) {
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return text;
}

std::string known_latency(const Spread& spread, double Spread::*figure) {
  return spread.count == 0 ? "-" : latency_text(spread.*figure);
}

std::vector<std::string> row(const RunResult& run, const Point& point) {
  const auto median = [&](double LatencySummary::*figure) {
    return known_latency(point.latency(figure), &Spread::median);
  };
  const Spread rate = point.rate();
  return {x_text(run, point.x, point.label),
          point.target,
          point.has_rate() ? rate_text(rate.median) : "-",
          spread_text(rate),
          median(&LatencySummary::p50_us),
          median(&LatencySummary::p90_us),
          median(&LatencySummary::p99_us),
          median(&LatencySummary::p999_us),
          known_latency(point.latency(&LatencySummary::max_us), &Spread::max),
          count_text(point.errors()),
          count_text(point.cold()),
          known_latency(point.cpu_us_per_call(), &Spread::median)};
}

void print_errors(const RunResult& run, std::ostream& out) {
  std::map<std::pair<std::string, std::string>, std::uint64_t> counts;
  for (const Sample& sample : run.samples) {
    for (const auto& [reason, count] : sample.errors_by_reason) {
      counts[{sample.target, reason}] += count;
    }
  }
  for (const auto& [key, count] : counts) {
    out << "errors: " << cli::printable(key.first) << ": " << count_text(count) << " x "
        << cli::printable(key.second) << '\n';
  }
}

void print_client_limit(const RunResult& run, const std::vector<Point>& points, std::ostream& out) {
  std::string where;
  for (const Point& point : points) {
    if (point.client_limited()) {
      where += fmt::format("{}{} at {}", where.empty() ? "" : ", ", point.target,
                           x_text(run, point.x, point.label));
    }
  }
  if (!where.empty()) {
    out << "warning: the client itself may have been the limit: " << cli::printable(where) << '\n';
  }
}

}  // namespace

std::string table(const RunResult& run) {
  const auto points = points_of(run);
  std::ostringstream out;
  if (points.empty()) {
    out << "no samples\n";
    return out.str();
  }
  cli::Table rows({upper(run.x_name.empty() ? "x" : run.x_name), "TARGET", "PER SECOND", "SPREAD", "P50",
                   "P90", "P99", "P99.9", "MAX", "ERRORS", "COLD", "CPU/CALL"});
  for (const Point& point : points) {
    rows.add(row(run, point));
  }
  rows.print(out);
  print_errors(run, out);
  print_client_limit(run, points, out);
  return out.str();
}

}  // namespace hearth::bench
