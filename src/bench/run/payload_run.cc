// hearth bench payload and events: the run's function with other bodies, or called in other ways.
#include <fmt/format.h>

#include <array>
#include <map>

#include "bench/report/aggregate.h"
#include "bench/run/subcommand.h"
#include "cli/format.h"

namespace hearth::bench {
namespace {

base::Result<void> measure_size(Session& session, OpenTarget& target, const SampleKey& key) {
  if (session.has(target.spec.name, key)) {
    return {};
  }
  auto plan = target.target->plan(static_cast<std::uint64_t>(key.x));
  if (!plan) {
    return base::Error{plan.error().code,
                       fmt::format("{} of body: {}", cli::human_bytes(static_cast<std::uint64_t>(key.x)),
                                   plan.error().message)};
  }
  target.load =
      std::make_unique<LoadGenerator>(std::move(*plan), session.stop(), session.options().client_threads);
  return session.measure(target, key, session.stretch_of(session.options().callers));
}

// Medians by size, both directions together.
void summarize(Session& session) {
  for (const OpenTarget& open : session.targets()) {
    std::map<double, std::vector<double>> values;
    for (const Sample& sample : session.result().samples) {
      if (sample.target == open.spec.name) {
        values[sample.x].push_back(sample.megabytes_per_second);
      }
    }
    std::string line = open.spec.name + ", MB a second:";
    for (const auto& [bytes, megabytes] : values) {
      line += fmt::format("  {}: {:.1f}", cli::human_bytes(static_cast<std::uint64_t>(bytes)),
                          spread_of(megabytes).median);
    }
    session.summary() += line + "\n";
  }
}

base::Result<void> measure_payloads(Session& session) {
  const Options& options = session.options();
  if (auto opened = session.open_targets(session.wish(), false); !opened) {
    return opened;
  }
  session.expect(session.targets().size() * options.sizes.size() * options.repeat);
  for (std::uint32_t repeat = 0; repeat < options.repeat; ++repeat) {
    for (const std::uint64_t size : options.sizes) {
      for (OpenTarget& target : session.targets()) {
        if (session.stopped()) {
          return {};
        }
        if (auto measured = measure_size(session, target, {repeat, static_cast<double>(size)}); !measured) {
          return measured;
        }
      }
    }
  }
  return {};
}

base::Result<void> run_payload(Session& session) {
  const auto measured = measure_payloads(session);
  summarize(session);
  return measured;
}

// The ways to call a function; one that is added needs its own way of measuring beside it.
struct EventKind {
  const char* name;
  base::Result<void> (*measure)(Session&, OpenTarget&, const SampleKey&);
};

base::Result<void> measure_http(Session& session, OpenTarget& target, const SampleKey& key) {
  return session.measure(target, key, session.stretch_of(session.options().callers));
}

constexpr std::array kEvents = {EventKind{"http", measure_http}};

base::Result<void> run_events(Session& session) {
  const Options& options = session.options();
  if (auto opened = session.open_targets(session.wish(), true); !opened) {
    return opened;
  }
  session.expect(session.targets().size() * kEvents.size() * options.repeat);
  for (std::uint32_t repeat = 0; repeat < options.repeat; ++repeat) {
    for (std::size_t i = 0; i < kEvents.size(); ++i) {
      for (OpenTarget& target : session.targets()) {
        if (session.stopped()) {
          return {};
        }
        const SampleKey key{repeat, static_cast<double>(i), kEvents[i].name};
        if (auto measured = kEvents[i].measure(session, target, key); !measured) {
          return measured;
        }
      }
    }
  }
  return {};
}

void add_for_both(CLI::App& app, Options& options) {
  options.step = std::chrono::seconds(5);
  add_duration(app, "--step", options.step, "Length of each measured load");
  app.add_option("--callers", options.callers, "Calls in flight")
      ->type_name("N")
      ->check(CLI::Range(1U, kHighestLevel))
      ->capture_default_str();
  app.add_option("--repeat", options.repeat, "Times that everything is measured")
      ->type_name("N")
      ->check(CLI::Range(1U, 1'000U))
      ->capture_default_str();
  add_target_options(app, options);
  add_load_options(app, options);
  add_rate_options(app, options);
  add_output_options(app, options);
}

}  // namespace

Subcommand payload_subcommand() {
  Subcommand subcommand;
  subcommand.name = "payload";
  subcommand.summary = "Bodies of 1 KB to 6 MB, in and out";
  subcommand.details =
      R"(Calls the echo function with bodies of each size and prints calls and megabytes a second, both directions
together. A server takes 6 MiB unless it was told otherwise.

Example:
  sudo hearth bench payload --target hearth:serve --target node --sizes 1KB,100KB,6MB
)";
  subcommand.x_name = "body size";
  subcommand.x_unit = "bytes";
  subcommand.add = [](CLI::App& app, Options& options) {
    options.function = "echo";
    add_sizes(app, "--sizes", options, "1KB,10KB,100KB,1MB,6MB", "Sizes of the body");
    add_for_both(app, options);
  };
  subcommand.run = run_payload;
  return subcommand;
}

Subcommand events_subcommand() {
  Subcommand subcommand;
  subcommand.name = "events";
  subcommand.summary = "The ways in which a function can be called";
  subcommand.details = R"(Measures a load for each kind of event that calls a function (so far: http).

Example:
  sudo hearth bench events --target hearth:serve --callers 15
)";
  subcommand.x_name = "event";
  subcommand.add = add_for_both;
  subcommand.run = run_events;
  return subcommand;
}

}  // namespace hearth::bench
