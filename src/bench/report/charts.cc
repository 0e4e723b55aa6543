#include <algorithm>
#include <set>

#include "bench/report/chart_kinds.h"
#include "bench/report/report.h"

namespace hearth::bench {
namespace {

const std::set<std::string> kWithBars = {"coldburst", "mixed", "keepalive", "runtimes", "events"};
const std::set<std::string> kWithSizes = {"payload", "codesize"};

// Small letters, digits and '-': a name for a file.
std::string file_name(const std::string& test) {
  std::string name;
  for (const char c : test.substr(0, 40)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    name += plain ? c : '-';
  }
  return name.empty() ? "run" : name;
}

Subject subject_of(const std::vector<RunResult>& runs) {
  Subject subject;
  std::ranges::copy_if(runs, std::back_inserter(subject.runs),
                       [&](const RunResult& run) { return run.test == runs.front().test; });
  subject.sources = sources_of(subject.runs);
  return subject;
}

bool any_sample(const Subject& subject, bool (*holds)(const Sample&)) {
  return std::ranges::any_of(subject.runs,
                             [&](const RunResult& run) { return std::ranges::any_of(run.samples, holds); });
}

bool has_label(const Sample& sample) { return !sample.label.empty(); }
bool has_rate(const Sample& sample) { return sample.per_second > 0; }
bool has_megabytes(const Sample& sample) { return sample.megabytes_per_second > 0; }
bool has_latency(const Sample& sample) { return sample.latency.count > 0; }

// Collects what has something to draw.
class Album {
 public:
  explicit Album(const Subject& subject) : subject_(subject), test_(file_name(subject.first().test)) {}

  template <typename Make>
  void add_if(bool (*holds)(const Sample&), const std::string& name, Make make) {
    if (any_sample(subject_, holds)) {
      charts_.push_back({test_ + "-" + name, draw(make(subject_))});
    }
  }

  std::vector<Chart> take() { return std::move(charts_); }

 private:
  const Subject& subject_;
  std::string test_;
  std::vector<Chart> charts_;
};

}  // namespace

std::vector<Chart> charts(const std::vector<RunResult>& runs) {
  if (runs.empty()) {
    return {};
  }
  const Subject subject = subject_of(runs);
  const std::string& test = subject.first().test;
  Album album(subject);
  if (test == "backoff") {
    album.add_if(has_latency, "latency", backoff_plot);
  } else if (test == "compare") {
    album.add_if(has_rate, "throughput", rate_ratio_plot);
    album.add_if(has_latency, "latency", latency_ratio_plot);
  } else if (kWithBars.contains(test) || any_sample(subject, has_label)) {
    album.add_if(has_rate, "throughput", rate_bars);
    album.add_if(has_latency, "latency", latency_bars);
  } else if (kWithSizes.contains(test)) {
    album.add_if(has_megabytes, "throughput", megabytes_plot);
    album.add_if(has_latency, "latency", latency_plot);
  } else {
    album.add_if(has_rate, "throughput", rate_plot);
    album.add_if(has_latency, "latency", latency_plot);
  }
  return album.take();
}

}  // namespace hearth::bench
