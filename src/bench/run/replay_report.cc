#include "bench/run/replay_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/load/answer_text.h"
#include "bench/report/words.h"
#include "cli/format.h"

namespace hearth::bench {
namespace {

constexpr double kThousandths = 1'000;

double figure(const Sample& sample, const char* name) {
  const auto found = sample.figures.find(name);
  return found == sample.figures.end() ? 0 : found->second;
}

std::uint64_t whole(double value) { return static_cast<std::uint64_t>(value + 0.5); }

std::string paragraph(const Sample& sample) {
  const auto prestarted = whole(figure(sample, "cold_prestarted"));
  std::string text = fmt::format(
      "{}: {} calls answered, {} failed; {} cold starts, of these {} on a pre-started instance\n"
      "  slowdown, latency over the handler's own time: p50 {:.2f}, p99 {:.2f}\n",
      cli::printable(sample.target), count_text(sample.calls), count_text(sample.errors),
      count_text(sample.cold), count_text(prestarted), figure(sample, "slowdown_p50"),
      figure(sample, "slowdown_p99"));
  if (figure(sample, "memory_readings") < 2) {
    return text + "  memory: /metrics gave no figures\n";
  }
  return text + fmt::format("  memory charged, MB x s: {} to running instances, {} to idle ones, {} else\n",
                            count_text(whole(figure(sample, "memory_running_mb_s"))),
                            count_text(whole(figure(sample, "memory_idle_mb_s"))),
                            count_text(whole(figure(sample, "memory_other_mb_s"))));
}

}  // namespace

// The handler's own time is what its platform measured; what it was told, where the answer does not say.
void ReplayCount::on_call(const FinishedCall& call) {
  if (!call.reason.empty()) {
    return;
  }
  const double measured_ms = handler_ms_in(call.body_end);
  const double own_ms = measured_ms > 0 ? measured_ms : run_ms_.at(call.request);
  const double slowdown = static_cast<double>(call.latency_ns) / 1e6 / std::max(own_ms, 1e-3);
  slowdown_.record(static_cast<std::uint64_t>(slowdown * kThousandths));
  cold_prestarted_ += call.start == Start::kCold && prestarted_in(call.body_end) ? 1U : 0U;
}

void ReplayCount::write(const MemoryTime& memory, Sample& sample) const {
  const auto slowdown = [this](double quantile) {
    return static_cast<double>(slowdown_.quantile_ns(quantile)) / kThousandths;
  };
  sample.figures = {{"cold_prestarted", static_cast<double>(cold_prestarted_)},
                    {"slowdown_p50", slowdown(0.5)},
                    {"slowdown_p99", slowdown(0.99)},
                    {"memory_running_mb_s", memory.sum().running_mb},
                    {"memory_idle_mb_s", memory.sum().idle_mb},
                    {"memory_other_mb_s", memory.sum().other_mb},
                    {"memory_readings", static_cast<double>(memory.readings())}};
}

std::string replay_text(const RunResult& result) {
  std::string text;
  for (const Sample& sample : result.samples) {
    text += sample.figures.contains("slowdown_p50") ? paragraph(sample) : "";
  }
  return text;
}

}  // namespace hearth::bench
