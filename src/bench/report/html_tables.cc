#include "bench/report/html_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "bench/report/aggregate.h"
#include "bench/report/svg.h"
#include "bench/report/words.h"

namespace hearth::bench {
namespace {

// Rows of cells; `words` columns on the left hold words, the others numbers.
class HtmlTable {
 public:
  HtmlTable(const std::vector<std::string>& heading, std::size_t words) : words_(words) {
    html_ = "<div class=\"wide\"><table>\n<thead>";
    add_row(heading, "th", "");
    html_ += "</thead>\n<tbody>\n";
  }

  void add(const std::vector<std::string>& cells, bool bad = false) {
    add_row(cells, "td", bad ? " class=\"bad\"" : "");
  }
  std::string html() const { return html_ + "</tbody></table></div>\n"; }

 private:
  void add_row(const std::vector<std::string>& cells, std::string_view element, std::string_view attributes) {
    html_ += fmt::format("<tr{}>", attributes);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      html_ +=
          fmt::format("<{0}{1}>{2}</{0}>", element, i < words_ ? "" : " class=\"number\"", escaped(cells[i]));
    }
    html_ += "</tr>\n";
  }

  std::size_t words_;
  std::string html_;
};

std::string known(const Spread& spread, double Spread::*figure) {
  return spread.count == 0 ? "-" : latency_text(spread.*figure);
}

std::string x_heading(const RunResult& run) { return run.x_name.empty() ? "x" : run.x_name; }

std::string sample_latency(const Sample& sample, double LatencySummary::*figure) {
  return sample.latency.count == 0 ? "-" : latency_text(sample.latency.*figure);
}

}  // namespace

std::string run_table(const RunResult& run) {
  const Machine& machine = run.machine;
  HtmlTable rows({"", ""}, 2);
  rows.add({"command", run.command});
  rows.add({"started", run.started_at});
  rows.add({"Hearth", run.hearth_version});
  rows.add({"processor", fmt::format("{}, {} cores", machine.cpu, machine.cores)});
  rows.add({"memory", count_text(machine.memory_mb) + " MB"});
  rows.add({"kernel", machine.kernel});
  rows.add({"control groups", machine.cgroups});
  rows.add({"node", machine.node});
  rows.add({"load at the start", fmt::format("{:.2f}", machine.load_at_start)});
  for (const auto& [name, value] : run.settings) {
    if (!value.empty()) {
      rows.add({"setting: " + name, value});
    }
  }
  return rows.html();
}

std::string figures_table(const RunResult& run) {
  HtmlTable rows({x_heading(run), "target", "per second", "spread", "MB/s", "p50", "p90", "p99", "p99.9",
                  "max", "errors", "cold", "CPU per call"},
                 2);
  for (const Point& point : points_of(run)) {
    const Spread rate = point.rate();
    const auto median = [&](double LatencySummary::*figure) {
      return known(point.latency(figure), &Spread::median);
    };
    rows.add(
        {x_text(run, point.x, point.label), point.target, point.has_rate() ? rate_text(rate.median) : "-",
         spread_text(rate), point.megabytes().max > 0 ? rate_text(point.megabytes().median) : "-",
         median(&LatencySummary::p50_us), median(&LatencySummary::p90_us), median(&LatencySummary::p99_us),
         median(&LatencySummary::p999_us), known(point.latency(&LatencySummary::max_us), &Spread::max),
         count_text(point.errors()), count_text(point.cold()),
         known(point.cpu_us_per_call(), &Spread::median)},
        point.errors() > 0 || point.client_limited());
  }
  return rows.html();
}

std::string errors_table(const RunResult& run) {
  std::map<std::pair<std::string, std::string>, std::uint64_t> counts;
  for (const Sample& sample : run.samples) {
    for (const auto& [reason, count] : sample.errors_by_reason) {
      counts[{sample.target, reason}] += count;
    }
  }
  HtmlTable rows({"target", "reason", "calls"}, 2);
  for (const auto& [key, count] : counts) {
    rows.add({key.first, key.second, count_text(count)});
  }
  return counts.empty() ? std::string() : rows.html();
}

std::string client_table(const RunResult& run) {
  HtmlTable rows(
      {"target", "client's CPU, median (cores)", "most", "samples where it may have been the limit"}, 1);
  for (const std::string& target : targets_of(run)) {
    std::vector<double> used;
    std::uint64_t limited = 0;
    for (const Sample& sample : run.samples) {
      if (sample.target == target) {
        used.push_back(sample.client_cpu);
        limited += sample.client_limited ? 1 : 0;
      }
    }
    const std::size_t samples = used.size();
    const Spread spread = spread_of(std::move(used));
    rows.add({target, fmt::format("{:.2f}", spread.median), fmt::format("{:.2f}", spread.max),
              fmt::format("{} of {}", limited, samples)},
             limited > 0);
  }
  return rows.html();
}

std::string samples_table(const RunResult& run) {
  HtmlTable rows({"target", x_heading(run), "repeat", "seconds", "calls", "errors", "cold", "per second",
                  "MB/s", "mean", "p50", "p90", "p99", "p99.9", "max", "CPU per call", "client's CPU"},
                 2);
  for (const Sample& sample : run.samples) {
    rows.add(
        {sample.target, x_text(run, sample.x, sample.label), fmt::format("{}", sample.repeat + 1),
         rate_text(sample.seconds), count_text(sample.calls), count_text(sample.errors),
         count_text(sample.cold), rate_text(sample.per_second), rate_text(sample.megabytes_per_second),
         sample_latency(sample, &LatencySummary::mean_us), sample_latency(sample, &LatencySummary::p50_us),
         sample_latency(sample, &LatencySummary::p90_us), sample_latency(sample, &LatencySummary::p99_us),
         sample_latency(sample, &LatencySummary::p999_us), sample_latency(sample, &LatencySummary::max_us),
         sample.server_cpu_us_per_call > 0 ? latency_text(sample.server_cpu_us_per_call) : "-",
         fmt::format("{:.2f}", sample.client_cpu)},
        sample.errors > 0 || sample.client_limited);
  }
  return rows.html();
}

}  // namespace hearth::bench
