// hearth invoke NAME: one call. stdout carries the function's output alone; logs, the trace and
// errors go to stderr.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iterator>
#include <memory>
#include <ostream>

#include "cli/api_model.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/json_text.h"
#include "cli/log_text.h"
#include "model/limits.h"

namespace hearth::cli {
namespace {

// The log of a call is stored beside its answer, not before it.
constexpr int kLogTries = 5;
constexpr std::chrono::milliseconds kLogPause{50};
// What queueing and a cold start may add to the longest time-out that a function can have.
constexpr std::chrono::milliseconds kStartAllowance{60'000};

struct InvokeOptions {
  std::string name;
  std::string data;
  bool data_given = false;
  std::uint32_t version = 0;
  bool logs = false;
  bool trace = false;
};

std::string read_all(std::istream& in) { return {std::istreambuf_iterator<char>(in), {}}; }

// The body as --data says; without it stdin when that is a pipe or a file, else none.
base::Result<std::string> input(Context& context, const InvokeOptions& options) {
  if (options.data == "-" || (!options.data_given && context.terminal.in_is_data)) {
    return read_all(context.terminal.in);
  }
  if (!options.data.empty() && options.data.front() == '@') {
    const std::string path = options.data.substr(1);
    std::ifstream file(path, std::ios::binary);
    std::string body = file ? read_all(file) : "";
    if (!file && !file.eof()) {
      return base::Error{base::ErrorCode::kNotFound,
                         fmt::format("--data: the file '{}' cannot be read", path)};
    }
    return body;
  }
  return options.data;
}

void add_steps(Table& table, const TimedStep& step, std::size_t depth) {
  table.add({std::string(depth * 2, ' ') + step.name, human_milliseconds(step.duration_ms)});
  for (const auto& part : step.steps) {
    add_steps(table, part, depth + 1);
  }
}

void print_trace(Context& context, std::string_view body) {
  const auto raw = json_member(body, "logs");
  const auto steps = raw ? parse_steps(*raw) : parse_steps("");
  if (!steps) {
    context.terminal.err << "(the answer carries no trace)\n";
    return;
  }
  Table table({"STEP", "TIME"});
  add_steps(table, *steps, 0);
  table.print(context.terminal.err);
}

void print_logs(Context& context, const InvokeOptions& options, const std::string& request_id) {
  const auto path = function_path(options.name, "/logs?limit=100&requestId=" + request_id);
  for (int tries = 0; tries < kLogTries && !request_id.empty(); ++tries) {
    const auto answer = context.api.send({http::Method::kGet, path, ""});
    const auto page = answer && answer->status == 200 ? parse_logs(answer->body) : parse_logs("");
    if (!page) {
      break;
    }
    for (const auto& entry : page->entries) {
      if (entry.request_id == request_id) {
        print_log_lines(context.terminal.err, entry);
        return;
      }
    }
    if (!context.wait(kLogPause)) {
      return;
    }
  }
  context.terminal.err << "(the log of this call is not to be had)\n";
}

// "Type: message", then the frames of the stack, which often begins with the same words.
void print_function_error(Context& context, const ApiFailure& failure, const std::string& name) {
  auto& err = context.terminal.err;
  err << "hearth: function '" << printable(name) << "' failed (" << printable(failure.code) << ")\n";
  const std::string summary = failure.type.empty() ? failure.message : failure.type + ": " + failure.message;
  err << summary << '\n';
  std::string_view stack = failure.stack;
  if (stack.substr(0, summary.size()) == summary) {
    stack.remove_prefix(summary.size());
    stack.remove_prefix(std::min(stack.find_first_not_of('\n'), stack.size()));
  }
  if (!stack.empty()) {
    err << stack << '\n';
  }
}

// 502 and 504 are the statuses of a function that failed; every other refusal is the server's.
bool is_function_failure(const Reply& reply) { return reply.status == 502 || reply.status == 504; }

int print_result(Context& context, const InvokeOptions& options, const Reply& reply) {
  if (reply.status >= 400 && !is_function_failure(reply)) {
    return report_refusal(context, reply);
  }
  if (context.json) {
    print_json(context, reply.body);
  } else if (is_function_failure(reply)) {
    print_function_error(context, parse_failure(reply.body), options.name);
  } else {
    print_json(context, json_member(reply.body, "output").value_or("null"));
  }
  return is_function_failure(reply) ? kFunctionFailed : kOk;
}

int run_invoke(Context& context, const InvokeOptions& options) {
  auto body = input(context, options);
  if (!body) {
    return report_usage(context, body.error().message);
  }
  const std::string query = options.version == 0 ? "" : fmt::format("?version={}", options.version);
  const auto reply = context.api.send(
      {http::Method::kPost, function_path(options.name, "/invoke" + query), std::move(*body)});
  if (!reply) {
    return report_no_answer(context, reply.error());
  }
  const int result = print_result(context, options, *reply);
  const bool was_executed = result == kOk || result == kFunctionFailed;
  if (was_executed && options.logs) {
    print_logs(context, options, reply->request_id);
  }
  if (was_executed && options.trace && !context.json) {
    print_trace(context, reply->body);
  }
  return result;
}

}  // namespace

Command invoke_command() {
  auto options = std::make_shared<InvokeOptions>();
  Command command;
  command.name = "invoke";
  command.summary = "Call a function and print what it returns";
  command.answer_timeout =
      std::chrono::milliseconds(model::FunctionLimits{}.timeout_max_ms) + kStartAllowance;
  command.details =
      "Without --data the input is what is piped in, or nothing. stdout carries the output alone.\n"
      "\nExamples:\n  hearth invoke hello --data '{\"name\": \"Ada\"}'\n  hearth invoke hello --data "
      "@sample.json --trace\n"
      "  jq .order file.json | hearth invoke json-transform | jq .total\n";
  command.add_options = [options](CLI::App& app) {
    app.add_option("NAME", options->name, "The function's name or id")->required();
    app.add_option_function<std::string>(
           "-d,--data",
           [options](const std::string& data) {
             options->data = data;
             options->data_given = true;
           },
           "The input: JSON, @FILE, or - for stdin")
        ->type_name("JSON");
    app.add_option("--function-version", options->version, "A version of it (default: the current one)")
        ->type_name("N")
        ->check(CLI::Range(1U, 4'294'967'295U));
    app.add_flag("-l,--logs", options->logs, "Show what the function wrote, on stderr");
    app.add_flag("-t,--trace,-v", options->trace, "Show where the time went, on stderr");
  };
  command.run = [options](Context& context) { return run_invoke(context, *options); };
  return command;
}

}  // namespace hearth::cli
