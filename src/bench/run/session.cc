#include "bench/run/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "bench/load/answer_text.h"
#include "bench/load/thread_clock.h"
#include "bench/target/process_cpu.h"

namespace hearth::bench {
namespace {

constexpr std::chrono::milliseconds kStopPoll{50};

double ratio(double a, double b) { return b > 0 ? a / b : 0; }

base::Error in_target(const std::string& name, const base::Error& error) {
  return error.message.starts_with(name)
             ? error
             : base::Error{error.code, fmt::format("{}: {}", name, error.message)};
}

}  // namespace

// Keeps calls up to the bound, and counts those beyond it.
class Session::Recorder final : public CallSink {
 public:
  Recorder(Session& session, std::string target, const SampleKey& key, CallSink* also)
      : session_(session), target_(std::move(target)), key_(key), also_(also) {}

  bool is_needed() const { return keeps_ || also_ != nullptr; }

  void on_call(const FinishedCall& call) override {
    if (also_ != nullptr) {
      also_->on_call(call);
    }
    if (keeps_) {
      keep(call);
    }
  }

 private:
  void keep(const FinishedCall& call) {
    RunResult& result = session_.result_;
    if (result.calls.size() < session_.options_.output.calls_max) {
      result.calls.push_back(record_of(call, target_, key_));
    } else {
      ++result.calls_left_out;
    }
  }

  Session& session_;
  const std::string target_;
  const SampleKey key_;
  CallSink* const also_;
  const bool keeps_ = !session_.options_.output.calls.empty();
};

CallRecord record_of(const FinishedCall& call, const std::string& target, const SampleKey& key) {
  CallRecord record;
  record.target = target;
  record.repeat = key.repeat;
  record.x = key.x;
  record.request_start_ms = call.begin_unix_ms;
  record.request_duration_ms = static_cast<double>(call.latency_ns) / 1e6;
  record.function_duration_ms = handler_ms_in(call.body_end);
  record.execution_overhead_ms =
      record.function_duration_ms > 0 ? record.request_duration_ms - record.function_duration_ms : 0;
  record.instance_id = call.instance;
  record.status = call.status;
  record.start = call.start;
  record.body = call.status == 0 ? std::string(call.reason) : std::string(call.body_begin);
  return record;
}

Session::Session(cli::Context& context, const Options& options, const std::atomic<bool>& stop)
    : context_(context), options_(options), stop_(stop), progress_(context.terminal) {}

TargetWish Session::wish() const {
  TargetWish wish;
  wish.endpoint = context_.endpoint;
  wish.api_key = context_.api_key;
  wish.function = {parse_function_kind(options_.function).value(), options_.sleep_ms, options_.body_bytes};
  wish.memory_mb = options_.memory_mb;
  wish.body = options_.body;
  wish.call_timeout = options_.call_timeout;
  wish.server_pid = options_.server_pid;
  wish.by_serverless = options_.deploy == "serverless";
  wish.serverless = options_.serverless;
  return wish;
}

base::Result<void> Session::open_targets(const TargetWish& wish, bool with_load) {
  const auto specs = parse_targets(options_.targets);
  if (!specs) {
    return specs.error();
  }
  TargetWish complete = wish;
  const bool needs_files = std::ranges::any_of(*specs, [](const TargetSpec& spec) {
    return spec.kind != TargetKind::kHearth && spec.kind != TargetKind::kHttp;
  });
  if (needs_files) {
    auto baselines = find_baselines();
    if (!baselines) {
      return baselines.error();
    }
    complete.baselines = *baselines;
  }
  for (const TargetSpec& spec : *specs) {
    progress_.show("starting " + spec.name);
    auto target = make_target(spec, complete);
    if (!target) {
      return in_target(spec.name, target.error());
    }
    OpenTarget& open = targets_.emplace_back(OpenTarget{spec, std::move(*target), nullptr});
    if (auto started = open.target->start(); !started) {
      return in_target(spec.name, started.error());
    }
    if (with_load) {
      auto plan = open.target->plan(0);
      if (!plan) {
        return in_target(spec.name, plan.error());
      }
      open.load = std::make_unique<LoadGenerator>(std::move(*plan), stop_, options_.client_threads);
    }
    if (stop_) {
      return base::Error{base::ErrorCode::kCancelled, "stopped"};
    }
  }
  return {};
}

base::Result<void> Session::open_hosts(const TargetWish& wish) {
  if (wish.by_serverless) {
    return base::Error{
        base::ErrorCode::kUnsupported,
        "--deploy serverless is for tests of one function: this one deploys its own over the API"};
  }
  if (auto opened = open_targets(wish, false); !opened) {
    return opened;
  }
  for (const OpenTarget& open : targets_) {
    if (open.target->functions() == nullptr) {
      return base::Error{
          base::ErrorCode::kUnsupported,
          fmt::format("{}: this test deploys functions, which only hearth takes", open.spec.name)};
    }
  }
  return {};
}

base::Result<void> Session::measure_hosts(const TargetWish& wish, const MeasureTarget& measure) {
  if (auto opened = open_hosts(wish); !opened) {
    return opened;
  }
  for (std::uint32_t repeat = 0; repeat < options_.repeat; ++repeat) {
    for (OpenTarget& target : targets_) {
      if (stop_) {
        return {};
      }
      if (auto measured = measure(target, repeat); !measured) {
        return measured;
      }
    }
  }
  return {};
}

bool Session::has(const std::string& target, const SampleKey& key) const {
  return std::ranges::any_of(result_.samples, [&](const Sample& sample) {
    return sample.target == target && sample.repeat == key.repeat && sample.x == key.x &&
           sample.label == key.label;
  });
}

void Session::add(const std::string& target, const SampleKey& key, Sample sample) {
  sample.target = target;
  sample.repeat = key.repeat;
  sample.x = key.x;
  sample.label = key.label;
  result_.samples.push_back(std::move(sample));
}

Stretch Session::stretch_of(std::uint32_t callers) const {
  Stretch stretch;
  stretch.callers = options_.rate > 0 && options_.connections > 0 ? options_.connections : callers;
  stretch.duration = options_.step;
  stretch.per_second = options_.rate;
  return stretch;
}

std::string Session::position() const {
  return expected_ == 0 ? "" : fmt::format("[{}/{}] ", result_.samples.size() + 1, expected_);
}

LoadCount Session::measure_load(OpenTarget& target, LoadGenerator& load, const SampleKey& key,
                                const Stretch& stretch, CallSink* also) {
  const std::string what = fmt::format("{}{}, {} {}", position(), target.spec.name, result_.x_name,
                                       key.label.empty() ? fmt::format("{}", key.x) : key.label);
  Stretch watched = stretch;
  watched.on_tick = [&](std::uint64_t calls, double seconds) {
    progress_.show(fmt::format("{}: {:.0f} s, {:.0f} calls a second", what, seconds,
                               ratio(static_cast<double>(calls), seconds)));
  };
  Recorder recorder(*this, target.spec.name, key, also);
  const auto processes = target.target->server_pids();
  const std::uint64_t cpu_before = cpu_ns(processes);
  const std::int64_t begin_ns = monotonic_ns();
  LoadCount count = load.run(watched, recorder.is_needed() ? &recorder : nullptr);
  const auto cpu = static_cast<double>(cpu_ns(processes) - cpu_before);
  const auto taken = static_cast<double>(monotonic_ns() - begin_ns);
  if (count.calls + count.errors > 0) {
    Sample sample = sample_of(count);
    sample.server_cpu_us_per_call = ratio(cpu / 1000.0, static_cast<double>(count.calls + count.errors));
    sample.server_cpu = ratio(cpu, taken);
    sample.cut = stop_;
    add(target.spec.name, key, std::move(sample));
  }
  return count;
}

base::Result<void> Session::measure(OpenTarget& target, const SampleKey& key, const Stretch& stretch) {
  if (has(target.spec.name, key)) {
    return {};
  }
  if (options_.warm_up.count() > 0) {
    progress_.show(fmt::format("{}{}: warming up", position(), target.spec.name));
    Stretch warm_up = stretch;
    warm_up.duration = options_.warm_up;
    (void)target.load->run(warm_up);
  }
  if (options_.settle && !stop_) {
    if (auto settled = target.target->settle(stop_); !settled) {
      return settled;
    }
  }
  if (!stop_) {
    (void)measure_load(target, *target.load, key, stretch);
  }
  return {};
}

bool Session::wait(std::chrono::milliseconds pause, const std::string& why) {
  const auto end = std::chrono::steady_clock::now() + pause;
  while (!stop_) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      return true;
    }
    progress_.show(fmt::format("{}{}, {} s left", position(), why, (left.count() + 999) / 1000));
    std::this_thread::sleep_for(std::min(left, kStopPoll));
  }
  return false;
}

}  // namespace hearth::bench
