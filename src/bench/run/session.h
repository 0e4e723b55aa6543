// One run of `hearth bench`: its targets, what it has found, and what every subcommand does alike: opening
// targets, measuring a stretch, keeping calls. The subcommands decide what is measured in which order. One
// thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/load/load_generator.h"
#include "bench/result.h"
#include "bench/run/options.h"
#include "bench/run/progress.h"
#include "bench/target/target.h"
#include "cli/command.h"

namespace hearth::bench {

// Where a sample belongs.
struct SampleKey {
  std::uint32_t repeat = 0;
  double x = 0;
  std::string label = {};
};

// A target that has been started, and the load of the run's own function.
struct OpenTarget {
  TargetSpec spec;
  std::unique_ptr<Target> target;
  std::unique_ptr<LoadGenerator> load;
};

class Session {
 public:
  // `api_key`: of the server that the context speaks to.
  Session(cli::Context& context, const Options& options, const std::atomic<bool>& stop);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const Options& options() const { return options_; }
  const std::atomic<bool>& stop() const { return stop_; }
  bool stopped() const { return stop_; }
  Progress& progress() { return progress_; }
  RunResult& result() { return result_; }
  cli::Context& context() { return context_; }
  std::vector<OpenTarget>& targets() { return targets_; }
  // Notes and tables of the subcommand's own, printed behind the samples.
  std::string& summary() { return summary_; }

  TargetWish wish() const;
  // Parses and starts every target; with `with_load` also their function. Anything else fails at once.
  base::Result<void> open_targets(const TargetWish& wish, bool with_load);
  // The same for Hearth targets alone: kUnsupported for others.
  base::Result<void> open_hosts(const TargetWish& wish);

  // Opens them; then `measure` for every repeat and target, until it fails or the run is stopped.
  using MeasureTarget = std::function<base::Result<void>(OpenTarget&, std::uint32_t repeat)>;
  base::Result<void> measure_hosts(const TargetWish& wish, const MeasureTarget& measure);

  bool has(const std::string& target, const SampleKey& key) const;
  void add(const std::string& target, const SampleKey& key, Sample sample);

  // Warm-up and settling as the options say, then the stretch, with the server's CPU around it.
  base::Result<void> measure(OpenTarget& target, const SampleKey& key, const Stretch& stretch);
  // The same for another load than the target's own, without a warm-up. `also` hears of every call.
  LoadCount measure_load(OpenTarget& target, LoadGenerator& load, const SampleKey& key,
                         const Stretch& stretch, CallSink* also = nullptr);
  // A stretch of the options' length and rate.
  Stretch stretch_of(std::uint32_t callers) const;

  // Waits, as long as nobody stops the run; false when somebody does.
  bool wait(std::chrono::milliseconds pause, const std::string& why);

  // How many there are in all, for the progress line.
  void expect(std::size_t samples) { expected_ = samples; }

 private:
  class Recorder;

  std::string position() const;

  cli::Context& context_;
  const Options& options_;
  const std::atomic<bool>& stop_;
  Progress progress_;
  RunResult result_;
  std::vector<OpenTarget> targets_;
  std::string summary_;
  std::size_t expected_ = 0;
};

// A Unix time offset such as records use is `request_start_ms`; kept in one place for backoff and bursts.
CallRecord record_of(const FinishedCall& call, const std::string& target, const SampleKey& key);

}  // namespace hearth::bench
