// hearth bench concurrency: the paper's concurrency test (section III-A).
#include <fmt/format.h>

#include <algorithm>

#include "bench/run/statistics.h"
#include "bench/run/subcommand.h"

namespace hearth::bench {
namespace {

constexpr const char* kDetails =
    R"(The paper's test: one call is kept in flight, and one more every step, up to 15; each is sent again as soon as
its answer is in. Printed are answers a second and latencies for each level, and how each level does against
the best lower one. With --rate calls are sent on a schedule instead (an open loop), and a level is the most
connections. A warning says where the client may have been the limit itself: it needs a core of its own.

Examples:
  sudo hearth bench concurrency --target 'hearth:serve' --target node
  hearth bench concurrency --levels 1,2,4,8,16,32,64 --step 5s --repeat 10 --interleave --json run.json
  hearth bench concurrency --function sleep --levels 1..15        against the ideal of n / 50 ms
  hearth bench concurrency --levels 64 --rate 2000/s --step 30s
)";

constexpr const char* kKeepaliveDetails =
    R"(Holds calls of a handler that awaits (1 s unless --sleep says otherwise), each on a connection of its own, and
compares with the ideal of n calls at once. A server without room for that many instances answers 503, which is
counted by reason.

Examples:
  sudo hearth bench keepalive --target 'hearth:serve,memory=128' --levels 1,5,10
  sudo hearth bench keepalive --target node --levels 1,100,1000
)";

std::string row(const std::string& title, const std::map<double, Spread>& values) {
  std::string text = title;
  for (const auto& [x, spread] : values) {
    text += fmt::format("  {:.0f}: {:.2f}", x, spread.median);
  }
  return values.empty() ? "" : text + "\n";
}

void summarize(Session& session) {
  const auto& samples = session.result().samples;
  for (const OpenTarget& open : session.targets()) {
    const TestFunction function = function_of(open.spec, session.wish());
    std::string& out = session.summary();
    if (function.kind == FunctionKind::kSleep && function.sleep_ms > 0) {
      out += row(fmt::format("{}, of the ideal n / {} ms:", open.spec.name, function.sleep_ms),
                 against_ideal(samples, open.spec.name, function.sleep_ms));
    }
    out += row(fmt::format("{}, against the best lower level:", open.spec.name),
               against_best_lower(samples, open.spec.name));
  }
}

base::Result<void> run(Session& session) {
  const Options& options = session.options();
  if (auto opened = session.open_targets(session.wish(), true); !opened) {
    return opened;
  }
  session.expect(session.targets().size() * options.levels.size() * options.repeat);
  for (std::uint32_t repeat = 0; repeat < options.repeat; ++repeat) {
    const auto order = options.interleave ? rotated(options.levels, repeat) : options.levels;
    for (OpenTarget& target : session.targets()) {
      for (const std::uint32_t level : order) {
        const SampleKey key{repeat, static_cast<double>(level)};
        if (auto measured = session.measure(target, key, session.stretch_of(level)); !measured) {
          return measured;
        }
        if (session.stopped()) {
          summarize(session);
          return {};
        }
      }
    }
  }
  summarize(session);
  return {};
}

void add_load_and_results(CLI::App& app, Options& options) {
  add_duration(app, "--step", options.step, "Length of each level (the paper: 10s)");
  app.add_option("--repeat", options.repeat, "Times that all levels are run (the paper: 10)")
      ->type_name("N")
      ->check(CLI::Range(1U, 1'000U))
      ->capture_default_str();
  app.add_flag("--interleave", options.interleave,
               "Each repeat begins with another level, so that none is always first or last");
  add_target_options(app, options);
  add_load_options(app, options);
  add_rate_options(app, options);
  add_output_options(app, options);
}

void add_options(CLI::App& app, Options& options) {
  add_levels(app, "--levels", options, "1..15", "Calls in flight: 1..15, or 1,2,4,8");
  add_load_and_results(app, options);
}

void add_keepalive_options(CLI::App& app, Options& options) {
  options.function = "sleep";
  options.sleep_ms = 1000;
  add_levels(app, "--levels", options, "1,10,100", "Calls that are held, each on a connection of its own");
  add_load_and_results(app, options);
}

}  // namespace

Subcommand concurrency_subcommand() {
  return {"concurrency",
          "More and more calls at once: answers a second",
          kDetails,
          "concurrent calls",
          "",
          add_options,
          run};
}

Subcommand keepalive_subcommand() {
  return {"keepalive",
          "Many calls that wait, held at the same time",
          kKeepaliveDetails,
          "calls held",
          "",
          add_keepalive_options,
          run};
}

}  // namespace hearth::bench
