// hearth invoke NAME: one call. stdout carries the function's output alone; logs, the trace and
// errors go to stderr. With --async the call is handed over, and stdout carries the execution's id.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iterator>
#include <memory>
#include <ostream>

#include "base/json_text.h"
#include "cli/api_model.h"
#include "cli/ask.h"
#include "cli/ask_execution.h"
#include "cli/call_result.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/log_text.h"
#include "model/limits.h"

namespace hearth::cli {
namespace {

// The log of a call is stored beside its answer, not before it.
constexpr int kLogTries = 5;
constexpr std::chrono::milliseconds kLogPause{50};
constexpr std::size_t kKeyBytes = 255;  // of an idempotency key, and of what a caller is told apart by
// What queueing and a cold start may add to the longest time-out that a function can have.
constexpr std::chrono::milliseconds kStartAllowance{60'000};

struct InvokeOptions {
  std::string name;
  std::string data;
  bool data_given = false;
  std::uint32_t version = 0;
  std::string alias;
  std::string sticky;
  bool logs = false;
  bool trace = false;
  bool async = false;
  bool wait = false;
  std::string idempotency_key;
};

std::string check_key(const std::string& key) {
  return key.empty() || key.size() > kKeyBytes ? fmt::format("it has 1 to {} bytes", kKeyBytes) : "";
}

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
  const auto raw = base::json_member(body, "logs");
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

Request invoke_request(const InvokeOptions& options, std::string body) {
  std::string query = options.async ? "?mode=async" : "";
  if (options.version != 0) {
    query += fmt::format("{}version={}", query.empty() ? '?' : '&', options.version);
  }
  if (!options.alias.empty()) {
    query += fmt::format("{}alias={}", query.empty() ? '?' : '&', percent_encoded(options.alias));
  }
  Request request{http::Method::kPost, function_path(options.name, "/invoke" + query), std::move(body)};
  if (!options.idempotency_key.empty()) {
    request.headers.push_back({"Idempotency-Key", options.idempotency_key});
  }
  if (!options.sticky.empty()) {
    request.headers.push_back({"X-Hearth-Sticky", options.sticky});
  }
  return request;
}

int wait_for_result(Context& context, const InvokeOptions& options, const std::string& id) {
  // Whoever stops waiting finds it by its id.
  context.terminal.err << "execution " << printable(id) << '\n' << std::flush;
  Reply reply;
  ExecutionInfo execution;
  if (const auto code = wait_until_ended(context, id, reply, execution)) {
    return code;
  }
  return print_execution_result(context, reply, execution, options.name);
}

int hand_over(Context& context, const InvokeOptions& options, const Request& request) {
  Reply reply;
  if (const auto code = ask(context, request, reply)) {
    return code;
  }
  const auto id = parse_submission(reply.body);
  if (!id) {
    return report_unreadable(context, id.error());
  }
  if (options.wait) {
    return wait_for_result(context, options, *id);
  }
  if (context.json) {
    print_json(context, reply.body);
  } else {
    context.terminal.out << printable(*id) << '\n';
  }
  return kOk;
}

int call(Context& context, const InvokeOptions& options, const Request& request) {
  const auto reply = context.api.send(request);
  if (!reply) {
    return report_no_answer(context, reply.error());
  }
  const int result = print_call_result(context, *reply, options.name);
  const bool was_executed = result == kOk || result == kFunctionFailed;
  if (was_executed && options.logs) {
    print_logs(context, options, reply->request_id);
  }
  if (was_executed && options.trace && !context.json) {
    print_trace(context, reply->body);
  }
  return result;
}

int run_invoke(Context& context, const InvokeOptions& options) {
  auto body = input(context, options);
  if (!body) {
    return report_usage(context, body.error().message);
  }
  const Request request = invoke_request(options, std::move(*body));
  return options.async ? hand_over(context, options, request) : call(context, options, request);
}

void add_async_options(CLI::App& app, InvokeOptions& options) {
  auto* const async = app.add_flag("--async", options.async, "Do not wait: print the id of the execution")
                          ->excludes("--logs")
                          ->excludes("--trace");
  app.add_option("--idempotency-key", options.idempotency_key,
                 "The same key again is the same execution, not another one")
      ->type_name("KEY")
      ->check(check_key)
      ->needs(async);
  app.add_flag("--wait", options.wait, "Wait until that execution has ended, and print what it returned")
      ->needs(async);
}

void add_version_options(CLI::App& app, InvokeOptions& options) {
  auto* const version =
      app.add_option("--function-version", options.version, "A version of it (default: the current one)")
          ->type_name("N")
          ->check(CLI::Range(1U, 4'294'967'295U));
  auto* const alias = app.add_option("--alias", options.alias, "The version that this alias stands for")
                          ->type_name("ALIAS")
                          ->check(check_not_empty)
                          ->excludes(version);
  app.add_option("--sticky", options.sticky,
                 "The same text gets the same of an alias's two versions every time")
      ->type_name("TEXT")
      ->check(check_key)
      ->needs(alias);
}

void add_options(CLI::App& app, const std::shared_ptr<InvokeOptions>& options) {
  app.add_option("NAME", options->name, "The function's name or id")->required();
  app.add_option_function<std::string>(
         "-d,--data",
         [options](const std::string& data) {
           options->data = data;
           options->data_given = true;
         },
         "The input: JSON, @FILE, or - for stdin")
      ->type_name("JSON");
  add_version_options(app, *options);
  app.add_flag("-l,--logs", options->logs, "Show what the function wrote, on stderr");
  app.add_flag("-t,--trace,-v", options->trace, "Show where the time went, on stderr");
  add_async_options(app, *options);
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
      R"(Without --data the input is what is piped in, or nothing. stdout carries the output alone. What is
handed over with --async is executed at least once, and tried again when it fails; 'hearth execution ID'
shows what became of it.

Examples:
  hearth invoke hello --data '{"name": "Ada"}'
  hearth invoke hello --data @sample.json --trace
  jq .order file.json | hearth invoke json-transform | jq .total
  hearth invoke hello --async --idempotency-key order-42
)";
  command.add_options = [options](CLI::App& app) { add_options(app, options); };
  command.run = [options](Context& context) { return run_invoke(context, *options); };
  return command;
}

}  // namespace hearth::cli
