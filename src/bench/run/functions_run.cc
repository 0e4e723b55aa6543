// The tests that deploy functions of their own: hearth bench coldburst, codesize, mixed, runtimes.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "bench/run/fresh_functions.h"
#include "bench/run/subcommand.h"
#include "bench/run/zipf.h"
#include "cli/format.h"

namespace hearth::bench {
namespace {

constexpr std::size_t kPicks = 1U << 16U;  // of a Zipf sequence, before it begins again
constexpr std::uint64_t kSeed = 1;

// First calls of everything that `functions` holds, all at once.
void burst(Session& session, OpenTarget& target, const FreshFunctions& functions, const SampleKey& key) {
  const CallPlan plan = functions.plan();
  LoadGenerator load(plan, session.stop(), 1);
  (void)session.measure_load(target, load, key, burst_of(plan));
}

base::Result<void> run_coldburst(Session& session) {
  const auto& levels = session.options().levels;
  session.expect(session.options().repeat * levels.size() * session.options().targets.size());
  return session.measure_hosts(
      session.wish(), [&](OpenTarget& target, std::uint32_t repeat) -> base::Result<void> {
        for (const std::uint32_t level : levels) {
          const SampleKey key{repeat, static_cast<double>(level)};
          if (session.stopped() || session.has(target.spec.name, key)) {
            continue;
          }
          FreshFunctions functions(session, target);
          session.progress().show(fmt::format("{}: deploying {} functions", target.spec.name, level));
          if (auto deployed = functions.deploy_many(level); !deployed) {
            return deployed;
          }
          if (auto settled = target.target->settle(session.stop()); !settled) {
            return settled;
          }
          if (!session.stopped()) {
            burst(session, target, functions, key);
          }
        }
        return {};
      });
}

Sample sample_of_one(std::uint64_t nanoseconds) {
  LoadCount count;
  count.latency.record(nanoseconds);
  count.calls = 1;
  count.seconds = static_cast<double>(nanoseconds) / 1e9;
  Sample sample = sample_of(count);
  sample.per_second = 0;
  return sample;
}

base::Result<void> measure_size(Session& session, OpenTarget& target, const SampleKey& key) {
  FreshFunctions functions(session, target);
  session.progress().show(
      fmt::format("{}: deploying {}", target.spec.name, cli::human_bytes(static_cast<std::uint64_t>(key.x))));
  const auto taken_ns = functions.deploy({static_cast<std::uint64_t>(key.x), ""});
  if (!taken_ns) {
    return taken_ns.error();
  }
  if (auto settled = target.target->settle(session.stop()); !settled || session.stopped()) {
    return settled;
  }
  burst(session, target, functions, key);
  session.result().samples.back().per_second = 0;
  session.add(target.spec.name + ", deploy", key, sample_of_one(*taken_ns));
  return {};
}

base::Result<void> run_codesize(Session& session) {
  const auto& sizes = session.options().sizes;
  session.expect(2 * session.options().repeat * sizes.size() * session.options().targets.size());
  return session.measure_hosts(session.wish(),
                               [&](OpenTarget& target, std::uint32_t repeat) -> base::Result<void> {
                                 for (const std::uint64_t size : sizes) {
                                   const SampleKey key{repeat, static_cast<double>(size)};
                                   if (session.stopped() || session.has(target.spec.name, key)) {
                                     continue;
                                   }
                                   if (auto measured = measure_size(session, target, key); !measured) {
                                     return measured;
                                   }
                                 }
                                 return {};
                               });
}

base::Result<void> run_mixed(Session& session) {
  const Options& options = session.options();
  session.expect(options.repeat * options.targets.size());
  return session.measure_hosts(
      session.wish(), [&](OpenTarget& target, std::uint32_t repeat) -> base::Result<void> {
        const SampleKey key{repeat, static_cast<double>(options.callers)};
        if (session.has(target.spec.name, key)) {
          return {};
        }
        FreshFunctions functions(session, target);
        session.progress().show(
            fmt::format("{}: deploying {} functions", target.spec.name, options.functions));
        if (auto deployed = functions.deploy_many(options.functions); !deployed || session.stopped()) {
          return deployed;
        }
        CallPlan plan = functions.plan();
        plan.order = zipf_order(options.functions, options.zipf, kPicks, kSeed);
        target.load =
            std::make_unique<LoadGenerator>(std::move(plan), session.stop(), options.client_threads);
        return session.measure(target, key, session.stretch_of(options.callers));
      });
}

// What a later version can run is a line here; servers that do not take one yet are passed over.
constexpr std::array kRuntimes = {"node", "python"};

base::Result<void> run_runtimes(Session& session) {
  const Options& options = session.options();
  session.expect(2 * options.repeat * options.targets.size() * kRuntimes.size());
  return session.measure_hosts(
      session.wish(), [&](OpenTarget& target, std::uint32_t repeat) -> base::Result<void> {
        for (std::size_t i = 0; i < kRuntimes.size() && !session.stopped(); ++i) {
          const SampleKey cold{repeat, 0, fmt::format("{}, first call", kRuntimes[i])};
          const SampleKey warm{repeat, 1, fmt::format("{}, warm", kRuntimes[i])};
          FreshFunctions functions(session, target);
          if (const auto deployed = functions.deploy({0, kRuntimes[i]}); !deployed) {
            session.progress().note(
                fmt::format("{}: passed over, {}", kRuntimes[i], deployed.error().message));
            continue;
          }
          if (!session.has(target.spec.name, cold)) {
            burst(session, target, functions, cold);
          }
          target.load =
              std::make_unique<LoadGenerator>(functions.plan(), session.stop(), options.client_threads);
          if (auto measured = session.measure(target, warm, session.stretch_of(options.callers)); !measured) {
            return measured;
          }
        }
        return {};
      });
}

void add_callers(CLI::App& app, Options& options) {
  app.add_option("--callers", options.callers, "Calls in flight")
      ->type_name("N")
      ->check(CLI::Range(1U, kHighestLevel))
      ->capture_default_str();
  add_duration(app, "--step", options.step, "Length of the measured load");
}

void add_for_all(CLI::App& app, Options& options) {
  add_repeat(app, options);
  add_target_options(app, options);
  add_load_options(app, options);
  add_output_options(app, options);
}

}  // namespace

Subcommand coldburst_subcommand() {
  Subcommand subcommand;
  subcommand.name = "coldburst";
  subcommand.summary = "First calls of many functions at once";
  subcommand.details =
      R"(Deploys N functions, each of code of its own, and calls all at the same moment: the time of every first call.

Example:
  sudo hearth bench coldburst --target 'hearth:serve,memory=128' --functions 1,5,10,20 --repeat 5
)";
  subcommand.x_name = "functions called at once";
  subcommand.add = [](CLI::App& app, Options& options) {
    add_levels(app, "--functions", options, "1,5,10,20", "How many functions are called at once");
    add_for_all(app, options);
  };
  subcommand.run = run_coldburst;
  return subcommand;
}

Subcommand codesize_subcommand() {
  Subcommand subcommand;
  subcommand.name = "codesize";
  subcommand.summary = "Deploy time and first call by size of the code";
  subcommand.details =
      R"(Deploys functions with that much incompressible code beside the handler, and calls each once. The time of
the deploy stands beside as a line of its own. A server takes 50 MiB zipped unless it was told otherwise.

Example:
  sudo hearth bench codesize --target hearth:serve --sizes 1KB,1MB,50MB --repeat 3
)";
  subcommand.x_name = "code size";
  subcommand.x_unit = "bytes";
  subcommand.add = [](CLI::App& app, Options& options) {
    add_sizes(app, "--sizes", options, "1KB,100KB,1MB,10MB,50MB", "Sizes of the code");
    add_for_all(app, options);
  };
  subcommand.run = run_codesize;
  return subcommand;
}

Subcommand mixed_subcommand() {
  Subcommand subcommand;
  subcommand.name = "mixed";
  subcommand.summary = "Many functions, some far more popular than others";
  subcommand.details =
      R"(Deploys functions and calls them as often as Zipf's law says: the k-th 1/k^s times as often as the first. The
sequence is the same in every run.

Examples:
  sudo hearth bench mixed --target 'hearth:serve,memory=128' --functions 20 --zipf 1.1 --callers 15
  sudo hearth bench mixed --target hearth:serve --functions 100 --rate 500/s --connections 50
)";
  subcommand.x_name = "concurrent calls";
  subcommand.add = [](CLI::App& app, Options& options) {
    options.callers = 15;
    app.add_option("--functions", options.functions, "How many functions")
        ->type_name("N")
        ->check(CLI::Range(1U, 10'000U))
        ->capture_default_str();
    app.add_option("--zipf", options.zipf, "The exponent; 0: all are equally popular")
        ->type_name("S")
        ->check(CLI::Range(0.0, 10.0))
        ->capture_default_str();
    add_callers(app, options);
    add_rate_options(app, options);
    add_for_all(app, options);
  };
  subcommand.run = run_mixed;
  return subcommand;
}

Subcommand runtimes_subcommand() {
  Subcommand subcommand;
  subcommand.name = "runtimes";
  subcommand.summary = "First and warm calls of every runtime";
  subcommand.details =
      R"(Deploys the test function for each runtime that the server takes (node, python), and measures its first call
and a warm load.

Example:
  sudo hearth bench runtimes --target hearth:serve --step 5s
)";
  subcommand.x_name = "runtime";
  subcommand.add = [](CLI::App& app, Options& options) {
    options.step = std::chrono::seconds(5);
    add_callers(app, options);
    add_for_all(app, options);
  };
  subcommand.run = run_runtimes;
  return subcommand;
}

}  // namespace hearth::bench
