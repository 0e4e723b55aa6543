#include "bench/report/sample_runs_test_support.h"

#include <cmath>

namespace hearth::bench {
namespace {

// The same for the same arguments, between -1 and 1.
double noise(double a, double b) { return std::sin(a * 12.9898 + b * 78.233) * std::cos(a * 3.7 + b * 1.3); }

RunResult named(const std::string& test, const std::string& x_name, const std::string& x_unit) {
  RunResult run;
  run.test = test;
  run.x_name = x_name;
  run.x_unit = x_unit;
  run.started_at = "2026-01-31T12:00:00Z";
  run.hearth_version = "0.1.0";
  run.command = "hearth bench " + test;
  run.machine = {"Example CPU 3.0 GHz", 8, 16'000, "6.1.0", "v2", "v18.19.0", 0.2};
  run.settings = {{"function", "echo"}, {"repeats", "10"}, {"seconds per level", "10"}};
  return run;
}

void fill_concurrency(RunResult& run) {
  for (std::uint32_t repeat = 0; repeat < 10; ++repeat) {
    for (int callers = 1; callers <= 15; ++callers) {
      const double used = callers < 9 ? callers : 9 - 0.15 * (callers - 9);
      const double wobble = 1 + 0.04 * noise(callers, repeat);
      run.samples.push_back(
          made_sample("hearth", repeat, callers, 910 * used * wobble, 1e6 * callers / (950 * used)));
      run.samples.push_back(made_sample("node", repeat, callers,
                                        2100 * (1 - std::exp(-callers / 2.5)) * wobble, 300.0 * callers));
    }
  }
  run.samples[28].errors = 12;
  run.samples[28].errors_by_reason = {{"503 no_capacity", 10}, {"connection closed", 2}};
  run.samples[28].client_limited = true;
}

void fill_backoff(RunResult& run) {
  for (std::uint32_t repeat = 0; repeat < 5; ++repeat) {
    for (int minutes = 1; minutes <= 30; ++minutes) {
      const bool cold = minutes > 15;
      const double wobble = 1 + 0.2 * noise(minutes, repeat);
      Sample sample = made_sample("hearth", repeat, minutes * 6e4, 0, (cold ? 64'000 : 700) * wobble);
      sample.calls = sample.latency.count = 1;
      sample.cold = cold ? 1 : 0;
      run.samples.push_back(sample);
    }
  }
}

void fill_sizes(RunResult& run) {
  for (std::uint32_t repeat = 0; repeat < 3; ++repeat) {
    for (double bytes = 1024; bytes <= 6 * 1048576; bytes *= 4) {
      const double us = (400 + bytes / 300) * (1 + 0.1 * noise(bytes, repeat));
      for (const auto* target : {"hearth", "node"}) {
        Sample sample = made_sample(target, repeat, bytes, 1e6 / us, us * (target[0] == 'n' ? 0.6 : 1));
        sample.megabytes_per_second = 2 * bytes / sample.latency.mean_us;
        run.samples.push_back(sample);
      }
    }
  }
}

void fill_named(RunResult& run, const std::vector<std::string>& labels) {
  for (std::uint32_t repeat = 0; repeat < 3; ++repeat) {
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const auto at = static_cast<double>(i);
      Sample sample =
          made_sample("hearth", repeat, at, 3000 / (at + 1) * (1 + 0.1 * noise(at, repeat)), 300 * (at + 1));
      sample.label = labels[i];
      run.samples.push_back(sample);
    }
  }
}

void fill_compare(RunResult& run) {
  for (std::uint32_t pair = 0; pair < 20; ++pair) {
    run.samples.push_back(made_sample("hearth", pair, 8, 5000 * (1 + 0.1 * noise(pair, 1)), 900));
    run.samples.push_back(made_sample("node", pair, 8, 4000 * (1 + 0.1 * noise(pair, 2)), 1000));
  }
}

void fill_bursts(RunResult& run) {
  for (std::uint32_t repeat = 0; repeat < 5; ++repeat) {
    for (const double burst : {1.0, 4.0, 16.0, 64.0}) {
      Sample sample =
          made_sample("hearth", repeat, burst, 40 + 10 * std::log(burst), 24'000 * std::sqrt(burst));
      sample.calls = sample.cold = static_cast<std::uint64_t>(burst);
      run.samples.push_back(sample);
    }
  }
}

}  // namespace

Sample made_sample(const std::string& target, std::uint32_t repeat, double x, double rate, double p50_us) {
  Sample sample;
  sample.target = target;
  sample.repeat = repeat;
  sample.x = x;
  sample.calls = 1000;
  sample.seconds = 10;
  sample.per_second = rate;
  sample.latency = {1000, p50_us * 1.1, p50_us * 0.7, p50_us, p50_us * 2, p50_us * 4, p50_us * 6, p50_us * 9};
  sample.server_cpu_us_per_call = 120;
  sample.client_cpu = 0.4;
  return sample;
}

RunResult made_run(const std::string& test) {
  if (test == "concurrency") {
    RunResult run = named(test, "concurrent calls", "");
    fill_concurrency(run);
    return run;
  }
  if (test == "backoff") {
    RunResult run = named(test, "time since the previous call", "ms");
    fill_backoff(run);
    return run;
  }
  if (test == "payload") {
    RunResult run = named(test, "body size", "bytes");
    fill_sizes(run);
    return run;
  }
  if (test == "compare") {
    RunResult run = named(test, "concurrent calls", "");
    fill_compare(run);
    return run;
  }
  if (test == "coldburst") {
    RunResult run = named(test, "calls at once", "");
    fill_bursts(run);
    return run;
  }
  RunResult run = named(test, "runtime", "");
  fill_named(run, {"nodejs", "python", "a runtime with quite a long name of its own"});
  return run;
}

}  // namespace hearth::bench
