// hearth bench compare A B …: targets in turn, so that all see the same machine, and their ratios.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "bench/run/statistics.h"
#include "bench/run/subcommand.h"
#include "cli/format.h"

namespace hearth::bench {
namespace {

constexpr const char* kDetails =
    R"(Runs the targets in turn, A B A B …, and prints for each figure the median of each side (lowest-highest)
and the ratio of each target to the reference, taken within each pair. The reference is the last target
that is named, unless --reference says otherwise.

Examples:
  sudo hearth bench compare hearth:serve node                      throughput, 15 callers
  sudo hearth bench compare hearth:serve node --callers 1          latency of one caller
  sudo hearth bench compare hearth:serve workerd nginx node --pairs 3
  sudo hearth bench compare hearth:serve node --function echo --body-bytes 1MB --callers 1
  hearth bench compare 'hearth:serve=--hot-wait 0,name=no-wait' hearth:serve --pairs 20
)";

struct Metric {
  const char* name;
  double (*value)(const Sample&);
};

constexpr std::array kMetrics = {
    Metric{"calls a second", [](const Sample& sample) { return sample.per_second; }},
    Metric{"p50, us", [](const Sample& sample) { return sample.latency.p50_us; }},
    Metric{"p99, us", [](const Sample& sample) { return sample.latency.p99_us; }},
    Metric{"MB a second", [](const Sample& sample) { return sample.megabytes_per_second; }},
    Metric{"server CPU, us a call", [](const Sample& sample) { return sample.server_cpu_us_per_call; }},
};

std::vector<double> values_of(const std::vector<Sample>& samples, const std::string& target,
                              const Metric& metric) {
  std::vector<double> values;
  for (const Sample& sample : samples) {
    if (sample.target == target && metric.value(sample) > 0) {
      values.push_back(metric.value(sample));
    }
  }
  return values;
}

std::string cell(const std::vector<double>& values) {
  return values.empty() ? "-" : shown(spread_of(values));
}

std::string comparison(const std::vector<Sample>& samples, const std::vector<std::string>& names,
                       const std::string& reference) {
  std::vector<std::string> heading = {"FIGURE"};
  heading.insert(heading.end(), names.begin(), names.end());
  for (const std::string& name : names) {
    if (name != reference) {
      heading.push_back(fmt::format("{} : {}", name, reference));
    }
  }
  cli::Table table(heading);
  for (const Metric& metric : kMetrics) {
    std::vector<std::string> row = {metric.name};
    for (const std::string& name : names) {
      row.push_back(cell(values_of(samples, name, metric)));
    }
    for (const std::string& name : names) {
      if (name != reference) {
        row.push_back(cell(ratios(samples, name, reference, metric.value)));
      }
    }
    table.add(row);
  }
  std::ostringstream out;
  table.print(out);
  return out.str();
}

base::Result<std::string> reference_of(const std::vector<TargetSpec>& specs, const std::string& wanted) {
  if (wanted.empty()) {
    return specs.back().name;
  }
  if (std::ranges::find(specs, wanted, &TargetSpec::name) == specs.end()) {
    return base::Error{base::ErrorCode::kInvalidArgument,
                       fmt::format("--reference {}: no target has that name", wanted)};
  }
  return wanted;
}

base::Result<void> run(Session& session) {
  const Options& options = session.options();
  const auto specs = parse_targets(options.targets);
  if (!specs) {
    return specs.error();
  }
  const auto reference = reference_of(*specs, options.reference);
  if (!reference) {
    return reference.error();
  }
  if (auto opened = session.open_targets(session.wish(), true); !opened) {
    return opened;
  }
  std::vector<std::string> names;
  for (const OpenTarget& open : session.targets()) {
    names.push_back(open.spec.name);
  }
  session.expect(names.size() * options.repeat);
  base::Result<void> measured;
  for (std::uint32_t pair = 0; pair < options.repeat && measured && !session.stopped(); ++pair) {
    for (OpenTarget& target : session.targets()) {
      if (measured && !session.stopped()) {
        measured = session.measure(target, {pair, static_cast<double>(options.callers)},
                                   session.stretch_of(options.callers));
      }
    }
  }
  session.summary() += "\n" + comparison(session.result().samples, names, *reference);
  return measured;
}

void add_seconds(CLI::App& app, Options& options) {
  app.add_option_function<double>(
         "--seconds",
         [&options](double seconds) {
           options.step = std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
         },
         "Length of each measured stretch")
      ->type_name("S")
      ->check(CLI::Range(0.05, 3600.0))
      ->default_str("3");
}

void add_options(CLI::App& app, Options& options) {
  options.step = std::chrono::seconds(3);
  options.repeat = 9;
  options.callers = 15;
  options.warm_up = std::chrono::seconds(1);
  options.settle = true;
  app.add_option("TARGET", options.targets, "Two or more: hearth, node, nginx, workerd, http:URL, with keys")
      ->type_name("SPEC")
      ->expected(1, 20)
      ->required();
  app.add_option("--pairs", options.repeat, "Rounds through all targets")
      ->type_name("N")
      ->check(CLI::Range(1U, 1'000U))
      ->capture_default_str();
  add_seconds(app, options);
  app.add_option("--callers", options.callers, "Calls in flight")
      ->type_name("N")
      ->check(CLI::Range(1U, kHighestLevel))
      ->capture_default_str();
  app.add_option("--reference", options.reference, "Name of the target that the ratios are to")
      ->type_name("NAME");
  add_function_options(app, options);
  add_load_options(app, options);
  add_rate_options(app, options);
  add_output_options(app, options);
}

}  // namespace

Subcommand compare_subcommand() {
  return {"compare", "Targets in turn, and the ratios between them",
          kDetails,  "concurrent calls",
          "",        add_options,
          run};
}

}  // namespace hearth::bench
