#include "bench/run/options.h"

#include <fmt/format.h>

#include <set>

#include "base/text_units.h"

namespace hearth::bench {
namespace {

const std::set<std::string> kOutputs = {"help",  "json",      "csv",    "report",    "charts",
                                        "calls", "calls-max", "resume", "serverless"};
constexpr double kHighestRate = 1e7;

// A flag whose text `parse` turns into `value`, with `default_text` parsed now.
template <typename Value, typename Parse>
CLI::Option* add_parsed(CLI::App& app, const std::string& flag, Value& value, Parse parse,
                        const std::string& help) {
  return app.add_option_function<std::string>(
      flag,
      [&value, flag, parse](const std::string& text) {
        auto parsed = parse(text);
        if (!parsed) {
          throw CLI::ValidationError(flag, parsed.error().message);
        }
        value = *parsed;
      },
      help);
}

base::Result<std::chrono::milliseconds> parse_milliseconds(const std::string& text, bool may_be_zero) {
  const auto value = base::parse_duration(text);
  if (!value) {
    return value.error();
  }
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(*value);
  if (milliseconds.count() == 0 && !may_be_zero) {
    return base::Error{base::ErrorCode::kInvalidArgument,
                       fmt::format("'{}' is too short: at least 1ms", text)};
  }
  return milliseconds;
}

}  // namespace

void add_duration(CLI::App& app, const std::string& flag, std::chrono::milliseconds& value,
                  const std::string& help) {
  const bool may_be_zero = value.count() == 0;
  add_parsed(
      app, flag, value,
      [may_be_zero](const std::string& text) { return parse_milliseconds(text, may_be_zero); }, help)
      ->type_name("TIME")
      ->default_str(base::format_duration(value));
}

void add_levels(CLI::App& app, const std::string& flag, Options& options, const std::string& default_text,
                const std::string& help) {
  options.levels = parse_levels(default_text).value();
  add_parsed(
      app, flag, options.levels, [](const std::string& text) { return parse_levels(text); }, help)
      ->type_name("LEVELS")
      ->default_str(default_text);
}

void add_sizes(CLI::App& app, const std::string& flag, Options& options, const std::string& default_text,
               const std::string& help) {
  options.sizes = parse_sizes(default_text).value();
  add_parsed(
      app, flag, options.sizes, [](const std::string& text) { return parse_sizes(text); }, help)
      ->type_name("SIZES")
      ->default_str(default_text);
}

void add_intervals(CLI::App& app, const std::string& flag, Options& options, const std::string& default_text,
                   const std::string& help) {
  options.intervals = parse_intervals(default_text).value();
  add_parsed(
      app, flag, options.intervals, [](const std::string& text) { return parse_intervals(text); }, help)
      ->type_name("TIMES")
      ->default_str(default_text);
}

void add_repeat(CLI::App& app, Options& options) {
  app.add_option("--repeat", options.repeat, "Times that everything is measured")
      ->type_name("N")
      ->check(CLI::Range(1U, 1'000U))
      ->capture_default_str();
}

void add_target_flag(CLI::App& group, Options& options) {
  group
      .add_option("--target", options.targets,
                  "What is measured, may be repeated: hearth, node, nginx, workerd, http:URL, with keys "
                  "behind a colon: hearth:serve=\"--threads 1\",memory=128")
      ->type_name("SPEC")
      ->allow_extra_args(false)
      ->capture_default_str();
}

void add_server_pid(CLI::App& group, Options& options) {
  group
      .add_option("--server-pid", options.server_pid,
                  "Process of a server on this machine that was not started by the tool, for its CPU")
      ->type_name("PID")
      ->check(CLI::Range(1, 1 << 22));
}

void add_function_options(CLI::App& app, Options& options) {
  auto* const group = app.add_option_group("Function");
  group->add_option("--function", options.function, "The test function: hello, echo or sleep")
      ->check(CLI::IsMember({"hello", "echo", "sleep"}))
      ->capture_default_str();
  group->add_option("--sleep", options.sleep_ms, "How long the sleep function awaits, in ms")
      ->type_name("MS")
      ->check(CLI::Range(0U, 600'000U))
      ->capture_default_str();
  group->add_option("--memory", options.memory_mb, "Memory of an instance, in MB (the paper: 512)")
      ->type_name("MB")
      ->check(CLI::Range(1U, 1U << 20U))
      ->capture_default_str();
  add_parsed(
      *group, "--body-bytes", options.body_bytes,
      [](const std::string& text) { return base::parse_bytes(text); },
      "Size of a call's body: 1KB, 6MB (default: the function's own small one)")
      ->type_name("SIZE");
  group->add_option("--body", options.body, "The whole body, for http:URL targets")->type_name("JSON");
  add_server_pid(*group, options);
}

void add_target_options(CLI::App& app, Options& options) {
  auto* const group = app.add_option_group("Targets");
  add_target_flag(*group, options);
  group
      ->add_option("--deploy", options.deploy,
                   "How the function gets onto hearth: api, or serverless (the Serverless Framework)")
      ->check(CLI::IsMember({"api", "serverless"}))
      ->capture_default_str();
  group->add_option("--serverless", options.serverless, "The serverless program (default: from PATH)")
      ->type_name("PATH");
  add_function_options(app, options);
}

void add_load_options(CLI::App& app, Options& options) {
  auto* const group = app.add_option_group("Load");
  group
      ->add_option("--client-threads", options.client_threads,
                   "Threads of the client; one makes some 100,000 calls a second")
      ->type_name("N")
      ->check(CLI::Range(1U, 64U))
      ->capture_default_str();
  add_duration(*group, "--call-timeout", options.call_timeout, "A call without an answer fails after it");
  add_duration(*group, "--warm-up", options.warm_up, "Load before each measured stretch, not counted");
  group->add_flag("--settle", options.settle,
                  "After a warm-up, wait until the server has no instance starting");
}

void add_rate_options(CLI::App& app, Options& options) {
  auto* const group = app.add_option_group("Open loop");
  group
      ->add_option_function<std::string>(
          "--rate",
          [&options](const std::string& text) {
            const std::string number = text.ends_with("/s") ? text.substr(0, text.size() - 2) : text;
            char* end = nullptr;
            options.rate = std::strtod(number.c_str(), &end);
            if (number.empty() || *end != '\0' || !(options.rate > 0) || options.rate > kHighestRate) {
              throw CLI::ValidationError("--rate",
                                         fmt::format("'{}' is no rate: more than 0, such as 500/s", text));
            }
          },
          "Send on a schedule, whatever the answers do; latency counts from when a call was due")
      ->type_name("N/s");
  group
      ->add_option("--connections", options.connections,
                   "Most connections; a due call waits for one to be free (default: the level)")
      ->type_name("N")
      ->check(CLI::Range(1U, kHighestLevel));
}

void add_output_options(CLI::App& app, Options& options) {
  OutputOptions& output = options.output;
  auto* const group = app.add_option_group("Results");
  group->add_option("--json", output.json, "Write everything, for --resume and overlay")->type_name("FILE");
  group->add_option("--csv", output.csv, "One row a sample")->type_name("FILE");
  group->add_option("--report", output.report, "A page with charts and tables that needs no other file")
      ->type_name("FILE.html");
  group->add_option("--charts", output.charts, "The charts as SVG and PNG")->type_name("DIR");
  group->add_option("--calls", output.calls, "Every call, as a JSON array in the shape of the paper's tool")
      ->type_name("FILE");
  group->add_option("--calls-max", output.calls_max, "Most calls that --calls keeps")
      ->type_name("N")
      ->check(CLI::Range(1ULL, 10'000'000ULL))
      ->capture_default_str();
  group
      ->add_option("--resume", output.resume,
                   "Go on with the run in that --json file: what it holds is not measured again")
      ->type_name("FILE");
}

std::map<std::string, std::string> settings_of(const CLI::App& app) {
  std::map<std::string, std::string> settings;
  const auto add = [&](const CLI::App& one) {
    for (const CLI::Option* option : one.get_options()) {
      const std::string name =
          option->get_lnames().empty() ? option->get_name() : option->get_lnames().front();
      if (!kOutputs.contains(name)) {
        settings[name] = option->count() > 0 ? fmt::format("{}", fmt::join(option->results(), " "))
                                             : option->get_default_str();
      }
    }
  };
  add(app);
  for (const CLI::App* group :
       app.get_subcommands([](const CLI::App* one) { return one->get_name().empty(); })) {
    add(*group);
  }
  return settings;
}

}  // namespace hearth::bench
