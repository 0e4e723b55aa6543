// hearth bench backoff: the paper's backoff test (section III-B).
#include <fmt/format.h>

#include <algorithm>

#include "base/text_units.h"
#include "bench/run/scaled_keep_alive.h"
#include "bench/run/subcommand.h"

namespace hearth::bench {
namespace {

constexpr const char* kDetails =
    R"(The paper's test: single calls with longer and longer pauses between them, from one minute to thirty, and the
latency of each against the pause. It shows when a platform gives an idle instance up and what a first call then
costs. That takes 39 hours: --scale 60 makes every minute a second. A server that the tool starts (serve) gets
a keep-alive to match, 15 minutes over the scale; another one has to be started with it.

Examples:
  sudo hearth bench backoff --target hearth:serve --scale 60
  hearth bench backoff --intervals 1m..30m --samples 5 --json backoff.json     and after a cut: --resume backoff.json
  hearth bench backoff --target http:http://127.0.0.1:9000/hello --intervals 1s,10s,1m
)";

Stretch one_call(const Options& options) {
  Stretch stretch;
  stretch.duration = options.call_timeout;
  stretch.max_calls = 1;
  return stretch;
}

// A call of every target after the same pause; those that an earlier run has measured are called all the
// same, since they too must have been left alone for that long the next time.
void call_all(Session& session, const SampleKey& key) {
  for (OpenTarget& target : session.targets()) {
    if (session.stopped()) {
      return;
    }
    if (session.has(target.spec.name, key)) {
      (void)target.load->run(one_call(session.options()));
      continue;
    }
    const std::size_t before = session.result().samples.size();
    (void)session.measure_load(target, *target.load, key, one_call(session.options()));
    if (session.result().samples.size() > before) {
      Sample& sample = session.result().samples.back();
      sample.per_second = sample.megabytes_per_second = 0;
    }
  }
}

bool all_measured(const Session& session, const std::vector<OpenTarget>& targets, const SampleKey& key) {
  return std::ranges::all_of(targets,
                             [&](const OpenTarget& target) { return session.has(target.spec.name, key); });
}

base::Result<void> run(Session& session) {
  const Options& options = session.options();
  TargetWish wish = session.wish();
  wish_keep_alive(wish, options.scale);
  if (auto opened = session.open_targets(wish, true); !opened) {
    return opened;
  }
  tell_keep_alive(session, options.scale);
  session.expect(session.targets().size() * options.intervals.size() * options.samples);
  for (const auto interval : options.intervals) {
    const auto pause = scaled(interval, options.scale);
    for (std::uint32_t sample = 0; sample < options.samples; ++sample) {
      const SampleKey key{sample, static_cast<double>(pause.count())};
      if (all_measured(session, session.targets(), key)) {
        continue;
      }
      if (!session.wait(pause, fmt::format("a pause of {}", base::format_duration(pause)))) {
        return {};
      }
      call_all(session, key);
    }
  }
  return {};
}

void add_options(CLI::App& app, Options& options) {
  add_intervals(app, "--intervals", options, "1m..30m", "Pauses before a call: 1m..30m, or 1s,10s,1m");
  app.add_option("--samples", options.samples, "Calls after each pause (the paper: 5)")
      ->type_name("N")
      ->check(CLI::Range(1U, 1'000U))
      ->capture_default_str();
  app.add_option("--scale", options.scale, "Divides every pause: 60 makes a minute a second")
      ->type_name("N")
      ->check(CLI::Range(0.001, 1e6))
      ->capture_default_str();
  add_target_options(app, options);
  add_load_options(app, options);
  add_output_options(app, options);
}

}  // namespace

Subcommand backoff_subcommand() {
  return {"backoff", "Single calls after longer and longer pauses: warm, then cold",
          kDetails,  "time since the previous call",
          "ms",      add_options,
          run};
}

}  // namespace hearth::bench
