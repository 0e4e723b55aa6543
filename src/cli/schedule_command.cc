// hearth schedule ACTION [FUNCTION [NAME]]: when a function is executed by itself.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fstream>
#include <iterator>
#include <memory>
#include <ostream>
#include <string>

#include "base/json_text.h"
#include "cli/api_model.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/format.h"

namespace hearth::cli {
namespace {

struct ScheduleOptions {
  std::string action;
  std::string function;
  std::string name;
  std::string cron;
  std::string time_zone;
  std::string every;
  std::string input;
  std::string alias;
  std::string missed;
  std::uint32_t version = 0;
  bool disabled = false;
};

std::string schedule_path(const ScheduleOptions& options) {
  return function_path(options.function, "/schedules/" + percent_encoded(options.name));
}

std::string advice(const ScheduleOptions& options) {
  return fmt::format(
      "'hearth schedule list {}' shows the schedules that there are, 'hearth list' the functions",
      printable(options.function));
}

std::string in_quotes(std::string_view text) { return boost::json::serialize(boost::json::value(text)); }

void print_table(Context& context, const std::vector<ScheduleInfo>& schedules) {
  Table table({"FUNCTION", "NAME", "WHEN", "NEXT", "LAST", "MISSED"});
  for (const auto& each : schedules) {
    table.add({printable(each.function_id), printable(each.name), printable(each.when()),
               each.enabled ? printable(each.next_at) : "paused", age_or_dash(each.last_at, context.now_ms()),
               std::to_string(each.missed_slots)});
  }
  table.print(context.terminal.out);
}

// `input`: as the server has it.
void print_fields(Context& context, const ScheduleInfo& schedule, std::string_view input) {
  const auto line = [&](std::string_view label, const std::string& value) {
    if (!value.empty()) {
      context.terminal.out << fmt::format("{:<11}{}\n", label, printable(value));
    }
  };
  line("name", schedule.name);
  line("function", schedule.function_id);
  line("when", schedule.when());
  line("version", schedule.version == 0 ? "" : std::to_string(schedule.version));
  line("alias", schedule.alias);
  line("input", input == "null" ? "" : std::string(input));
  line("next", schedule.enabled ? schedule.next_at : "paused");
  line("last", with_age(schedule.last_at, context.now_ms()));
  line("execution", schedule.last_execution_id);
  line("missed", fmt::format("{} ({})", schedule.missed_slots, schedule.missed));
}

int print_schedule(Context& context, const Reply& reply) {
  if (context.json) {
    print_json(context, reply.body);
    return kOk;
  }
  const auto schedule = parse_schedule(reply.body);
  if (!schedule) {
    return report_unreadable(context, schedule.error());
  }
  print_fields(context, *schedule, base::json_member(reply.body, "input").value_or("null"));
  return kOk;
}

int list(Context& context, const ScheduleOptions& options) {
  const std::string path =
      options.function.empty() ? "/schedules" : function_path(options.function, "/schedules");
  std::vector<ScheduleInfo> all;
  for (std::string after;;) {
    Reply reply;
    const std::string query = after.empty() ? "" : "?after=" + percent_encoded(after);
    if (const auto code = ask(context, {http::Method::kGet, path + query, ""}, reply)) {
      return code;
    }
    const auto page = parse_schedules(reply.body);
    if (!page) {
      return report_unreadable(context, page.error());
    }
    if (context.json) {
      print_json(context, reply.body);
    }
    all.insert(all.end(), page->schedules.begin(), page->schedules.end());
    if (page->after.empty() || page->after == after) {
      break;
    }
    after = page->after;
  }
  if (!context.json && all.empty()) {
    context.terminal.out << "No schedules. Make one: hearth schedule set FUNCTION NAME --every 5m\n";
  } else if (!context.json) {
    print_table(context, all);
  }
  return kOk;
}

int show(Context& context, const ScheduleOptions& options) {
  Reply reply;
  if (const auto code =
          ask(context, {http::Method::kGet, schedule_path(options), ""}, reply, advice(options))) {
    return code;
  }
  return print_schedule(context, reply);
}

int remove(Context& context, const ScheduleOptions& options) {
  Reply reply;
  if (const auto code =
          ask(context, {http::Method::kDelete, schedule_path(options), ""}, reply, advice(options))) {
    return code;
  }
  if (!context.json) {
    context.terminal.out << fmt::format("removed the schedule {}\n", printable(options.name));
  }
  return kOk;
}

int put(Context& context, const ScheduleOptions& options, const std::string& body) {
  Reply reply;
  if (const auto code =
          ask(context, {http::Method::kPut, schedule_path(options), body}, reply, advice(options))) {
    return code;
  }
  return print_schedule(context, reply);
}

// What it has, with another "enabled".
int enable(Context& context, const ScheduleOptions& options, bool enabled) {
  Reply reply;
  if (const auto code =
          ask(context, {http::Method::kGet, schedule_path(options), ""}, reply, advice(options))) {
    return code;
  }
  std::string body = fmt::format(R"({{"enabled":{})", enabled);
  for (const std::string_view field : {"cron", "timeZone", "every", "input", "version", "alias", "missed"}) {
    if (const auto value = base::json_member(reply.body, field)) {
      body += fmt::format(R"(,"{}":{})", field, *value);
    }
  }
  return put(context, options, body + "}");
}

base::Result<std::string> input_of(const ScheduleOptions& options) {
  if (!options.input.starts_with('@')) {
    return options.input;
  }
  std::ifstream file(options.input.substr(1), std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.is_open()) {
    return base::Error{base::ErrorCode::kNotFound,
                       fmt::format("--input: the file '{}' cannot be read", options.input.substr(1))};
  }
  return text;
}

int set(Context& context, const ScheduleOptions& options) {
  if (options.cron.empty() == options.every.empty()) {
    return report_usage(context, "when? --cron 'MINUTE HOUR DAY MONTH WEEKDAY', or --every TIME");
  }
  std::string body;
  if (options.every.empty()) {
    body = fmt::format(R"({{"cron":{})", in_quotes(options.cron));
    body += options.time_zone.empty() ? "" : fmt::format(R"(,"timeZone":{})", in_quotes(options.time_zone));
  } else {
    const auto every = parse_milliseconds(options.every);
    if (!every || every->count() % 1'000 != 0) {
      return report_usage(context,
                          fmt::format("--every {}: whole seconds, such as 30s, 5m or 2h", options.every));
    }
    body = fmt::format(R"({{"every":{})", every->count() / 1'000);
  }
  const auto input = input_of(options);
  if (!input) {
    return report_usage(context, input.error().message);
  }
  body += input->empty() ? "" : fmt::format(R"(,"input":{})", *input);
  body += options.version == 0 ? "" : fmt::format(R"(,"version":{})", options.version);
  body += options.alias.empty() ? "" : fmt::format(R"(,"alias":{})", in_quotes(options.alias));
  body += options.missed.empty() ? "" : fmt::format(R"(,"missed":{})", in_quotes(options.missed));
  body += options.disabled ? R"(,"enabled":false})" : "}";
  return put(context, options, body);
}

int run_schedule(Context& context, const ScheduleOptions& options) {
  if (options.action == "list") {
    return options.name.empty() ? list(context, options)
                                : report_usage(context, "hearth schedule list takes a function alone");
  }
  if (options.name.empty()) {
    return report_usage(context,
                        fmt::format("which schedule? hearth schedule {} FUNCTION NAME", options.action));
  }
  if (options.action == "set") {
    return set(context, options);
  }
  if (options.action == "show") {
    return show(context, options);
  }
  return options.action == "remove" ? remove(context, options)
                                    : enable(context, options, options.action == "resume");
}

void add_options(CLI::App& app, ScheduleOptions& options) {
  app.add_option("ACTION", options.action, "set, list, show, remove, pause or resume")
      ->required()
      ->check(CLI::IsMember({"set", "list", "show", "remove", "pause", "resume"}));
  app.add_option("FUNCTION", options.function, "The function's name or id")->check(check_not_empty);
  app.add_option("NAME", options.name, "The schedule's name")->check(check_not_empty);
  auto* const cron =
      app.add_option("--cron", options.cron, "set: minute, hour, day of month, month, day of week")
          ->type_name("EXPRESSION")
          ->check(check_not_empty);
  app.add_option("--time-zone", options.time_zone, "set: whose clocks they are of, such as Europe/Paris")
      ->type_name("ZONE")
      ->needs(cron)
      ->check(check_not_empty);
  app.add_option("--every", options.every, "set: a fixed rate, such as 30s, 5m or 2h")
      ->type_name("TIME")
      ->excludes(cron)
      ->check(check_not_empty);
  app.add_option("--input", options.input, "set: the function's input: JSON, or @FILE")->type_name("JSON");
  auto* const version = app.add_option("--function-version", options.version, "set: execute this version")
                            ->type_name("N")
                            ->check(CLI::Range(1U, 4'294'967'295U));
  app.add_option("--alias", options.alias, "set: execute the version that this alias stands for then")
      ->excludes(version)
      ->check(check_not_empty);
  app.add_option("--missed", options.missed, "set: what becomes of slots that nobody executed in time")
      ->check(CLI::IsMember({"skip", "once", "all"}));
  app.add_flag("--disabled", options.disabled, "set: paused from the start");
}

}  // namespace

Command schedule_command() {
  auto options = std::make_shared<ScheduleOptions>();
  Command command;
  command.name = "schedule";
  command.summary = "Have a function executed by itself, by the clock or at a fixed rate";
  command.details =
      R"(Each slot is an asynchronous execution: hearth executions FUNCTION lists them. MISSED counts the slots that
nobody executed in time.

Examples:
  hearth schedule set report daily --cron '0 9 * * MON-FRI' --time-zone Europe/Paris
  hearth schedule set poll often --every 5m --input '{"limit": 10}' --missed once
  hearth schedule list
  hearth schedule show report daily
  hearth schedule pause report daily
  hearth schedule remove report daily
)";
  command.add_options = [options](CLI::App& app) { add_options(app, *options); };
  command.run = [options](Context& context) { return run_schedule(context, *options); };
  return command;
}

}  // namespace hearth::cli
