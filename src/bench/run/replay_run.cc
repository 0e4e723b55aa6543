// hearth bench replay: a recorded load on the real platform.
#include <fmt/format.h>

#include "base/text_units.h"
#include "bench/run/fresh_functions.h"
#include "bench/run/memory_time.h"
#include "bench/run/replay_plan.h"
#include "bench/run/replay_report.h"
#include "bench/run/scaled_keep_alive.h"
#include "bench/run/subcommand.h"
#include "trace/azure_trace.h"

namespace hearth::bench {
namespace {

constexpr const char* kDetails =
    R"(Plays a trace in the format of the Azure Functions trace (*invocations*.csv, *durations*.csv, *memory*.csv in
one folder): deploys a function for each of the trace's that is called in the time that is played, of the memory
that it took there (the smallest of 128, 256, 512 and 1,024 MB above its maximum), whose handler waits as long
as the median of its calls took, and calls them when they were called there. --time-scale 60 makes a minute a
second, and handlers so much shorter too; 1 ms at least, 20 s at most. The loop is open: latency counts from
when a call was due. It reports cold starts, slowdown (latency over the handler's own time), and the memory that
the server charged to instances, from its /metrics each second. A server that the tool starts (serve) gets a
keep-alive to match, 15 minutes over the scale; another one has to be started with it.

Examples:
  sudo hearth bench replay --trace DIR --target hearth:serve --time-scale 60 --duration 1m
  sudo hearth bench replay --trace DIR --target 'hearth:serve="--overcommit 4 --memory 4096"' --functions 50
  hearth bench replay --trace DIR --time-scale 1 --from 120 --duration 10m --pick most-called --functions 20
)";

constexpr double kScaleLeast = 0.001;
constexpr double kScaleMost = 100'000;

ReplayWish wish_of(const Options& options) {
  ReplayWish wish;
  wish.time_scale = options.scale;
  wish.run_scale = options.run_scale > 0 ? options.run_scale : options.scale;
  wish.duration = options.step;
  wish.from_minute = options.from_minute;
  wish.functions = options.functions;
  wish.most_called = options.pick == "most-called";
  wish.seed = options.seed;
  wish.arrivals = options.arrivals == "uniform" ? trace::Arrivals::kUniform : trace::Arrivals::kTimers;
  return wish;
}

base::Result<void> deploy_all(Session& session, OpenTarget& target, const ReplayPlan& plan,
                              FreshFunctions& functions) {
  session.progress().show(fmt::format("{}: deploying {} functions", target.spec.name, plan.functions.size()));
  for (const ReplayFunction& each : plan.functions) {
    if (session.stopped()) {
      return {};
    }
    FreshWish wish;
    wish.memory_mb = each.memory_mb;
    wish.function = TestFunction{FunctionKind::kSleep, each.run_ms, 0};
    if (auto deployed = functions.deploy(wish); !deployed) {
      return deployed.error();
    }
  }
  return target.target->settle(session.stop());
}

Stretch stretch_of(const Options& options, const ReplayPlan& plan) {
  Stretch stretch;
  stretch.callers = options.connections;
  stretch.duration = plan.duration;
  stretch.due_ns = &plan.due_ns;
  return stretch;
}

std::vector<std::uint32_t> run_times(const ReplayPlan& plan) {
  std::vector<std::uint32_t> run_ms;
  for (const ReplayFunction& each : plan.functions) {
    run_ms.push_back(each.run_ms);
  }
  return run_ms;
}

base::Result<void> replay(Session& session, OpenTarget& target, const ReplayPlan& plan,
                          const SampleKey& key) {
  FreshFunctions functions(session, target);
  if (auto deployed = deploy_all(session, target, plan, functions); !deployed || session.stopped()) {
    return deployed;
  }
  CallPlan calls = functions.plan();
  calls.order = plan.called;
  LoadGenerator load(std::move(calls), session.stop(), session.options().client_threads);
  ReplayCount count(run_times(plan));
  const std::size_t before = session.result().samples.size();
  MemoryWatch memory(*target.target->functions());
  (void)session.measure_load(target, load, key, stretch_of(session.options(), plan), &count);
  const MemoryTime charged = memory.stop();
  if (session.result().samples.size() > before) {
    count.write(charged, session.result().samples.back());
  }
  return {};
}

base::Result<void> check_targets(const Session& session) {
  const auto specs = parse_targets(session.options().targets);
  for (const TargetSpec& spec : specs ? *specs : std::vector<TargetSpec>()) {
    if (spec.function || spec.sleep_ms) {
      return base::Error{
          base::ErrorCode::kInvalidArgument,
          fmt::format("{}: what functions do comes from the trace: without function= and sleep=", spec.name)};
    }
  }
  return specs ? base::Result<void>() : specs.error();
}

void tell_plan(Session& session, const ReplayPlan& plan) {
  session.progress().note(fmt::format(
      "{} functions, {} calls in {}", plan.functions.size(), plan.due_ns.size(),
      base::format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(plan.duration))));
  if (plan.runs_cut > 0) {
    session.progress().note(fmt::format("handlers of {} functions take {} here, less than in the trace",
                                        plan.runs_cut, base::format_duration(kLongestReplayRun)));
  }
}

base::Result<void> run(Session& session) {
  const Options& options = session.options();
  if (auto checked = check_targets(session); !checked) {
    return checked;
  }
  const auto trace = trace::read_trace(options.trace);
  if (!trace) {  // whatever is wrong with it, it is what was asked for
    return base::Error{base::ErrorCode::kInvalidArgument, trace.error().message};
  }
  const auto plan = plan_replay(*trace, wish_of(options));
  if (!plan) {
    return plan.error();
  }
  TargetWish wish = session.wish();
  wish_keep_alive(wish, options.scale);
  session.expect(options.repeat * options.targets.size());
  bool told = false;
  auto done =
      session.measure_hosts(wish, [&](OpenTarget& target, std::uint32_t repeat) -> base::Result<void> {
        if (!told) {
          tell_plan(session, *plan);
          tell_keep_alive(session, options.scale);
          told = true;
        }
        const SampleKey key{repeat, static_cast<double>(plan->functions.size())};
        return session.has(target.spec.name, key) ? base::Result<void>()
                                                  : replay(session, target, *plan, key);
      });
  session.summary() += replay_text(session.result());
  return done;
}

void add_trace_options(CLI::App& app, Options& options) {
  app.add_option("--trace", options.trace, "Folder of the trace")->type_name("DIR")->required();
  app.add_option("--time-scale", options.scale, "Divides the times between calls: 60 makes a minute a second")
      ->type_name("N")
      ->check(CLI::Range(kScaleLeast, kScaleMost))
      ->capture_default_str();
  app.add_option("--run-scale", options.run_scale,
                 "Divides the handlers' times (default: the same as --time-scale)")
      ->type_name("N")
      ->check(CLI::Range(kScaleLeast, kScaleMost));
  add_duration(app, "--duration", options.step, "How long it is played, unless the trace ends before");
  app.add_option("--from", options.from_minute, "Minute of the trace to begin at")
      ->type_name("MINUTE")
      ->capture_default_str();
  app.add_option("--functions", options.functions,
                 "How many of the functions that are called in that time (default: all)")
      ->type_name("N")
      ->check(CLI::Range(1U, 10'000U));
  app.add_option("--pick", options.pick, "Which of them: a sample by --seed, or those that are called most")
      ->check(CLI::IsMember({"sample", "most-called"}))
      ->capture_default_str();
  app.add_option("--arrivals", options.arrivals,
                 "When within their minute calls come. timers: those of timers evenly, at the same place of "
                 "every minute, those of others at any time; uniform: all at any time")
      ->check(CLI::IsMember({"timers", "uniform"}))
      ->capture_default_str();
  app.add_option("--seed", options.seed, "Of all that is left to chance")
      ->type_name("N")
      ->capture_default_str();
}

void add_options(CLI::App& app, Options& options) {
  options.scale = 60;
  options.step = std::chrono::minutes(1);
  options.functions = 0;
  options.pick = "sample";
  options.arrivals = "timers";
  options.connections = 256;
  add_trace_options(app, options);
  add_repeat(app, options);
  auto* const group = app.add_option_group("Targets");
  add_target_flag(*group, options);
  add_server_pid(*group, options);
  app.add_option("--connections", options.connections,
                 "Most connections; a due call waits for one to be free")
      ->type_name("N")
      ->check(CLI::Range(1U, kHighestLevel))
      ->capture_default_str();
  app.add_option("--client-threads", options.client_threads, "Threads of the client")
      ->type_name("N")
      ->check(CLI::Range(1U, 64U))
      ->capture_default_str();
  add_duration(app, "--call-timeout", options.call_timeout, "A call without an answer fails after it");
  add_output_options(app, options);
}

}  // namespace

Subcommand replay_subcommand() {
  return {"replay", "A recorded load: cold starts, slowdown, memory over time",
          kDetails, "functions",
          "",       add_options,
          run};
}

}  // namespace hearth::bench
