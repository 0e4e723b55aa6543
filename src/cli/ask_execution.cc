#include "cli/ask_execution.h"

#include <algorithm>
#include <ostream>
#include <utility>

#include "cli/call_result.h"
#include "cli/format.h"
#include "model/api_error.h"

namespace hearth::cli {
namespace {

constexpr std::chrono::milliseconds kFirstPause{50};
constexpr std::chrono::milliseconds kLongestPause{1'000};

// Of an invocation that is answered with this code; 500 for one that this client does not know.
int http_status(std::string_view code) {
  for (int i = 0; i < static_cast<int>(model::ApiErrorCode::kInternal); ++i) {
    const auto known = static_cast<model::ApiErrorCode>(i);
    if (code == model::to_string(known)) {
      return model::http_status(known);
    }
  }
  return model::http_status(model::ApiErrorCode::kInternal);
}

ExitCode report_no_end(Context& context, const std::string& id, std::string_view state) {
  context.terminal.err << "hearth: the execution has not ended: it is " << printable(state)
                       << "\n  'hearth execution " << printable(id) << "' shows how it goes on\n";
  return kUnreachable;
}

}  // namespace

ExitCode ask_execution(Context& context, const Request& request, Reply& reply, ExecutionInfo& execution) {
  if (const auto code = ask(context, request, reply, kListExecutions)) {
    return code;
  }
  auto parsed = parse_execution(reply.body);
  if (!parsed) {
    return report_unreadable(context, parsed.error());
  }
  execution = std::move(*parsed);
  return kOk;
}

ExitCode wait_until_ended(Context& context, const std::string& id, Reply& reply, ExecutionInfo& execution) {
  const Request request{http::Method::kGet, execution_path(id), ""};
  execution.state = "pending";
  for (auto pause = kFirstPause; context.wait(pause); pause = std::min(pause * 2, kLongestPause)) {
    const auto code = ask_execution(context, request, reply, execution);
    if (code != kOk || execution.has_ended()) {
      return code;
    }
  }
  return report_no_end(context, id, execution.state);
}

int print_execution_result(Context& context, const Reply& reply, const ExecutionInfo& execution,
                           const std::string& function) {
  if (execution.state == "done") {
    return print_call_result(context, {200, reply.body, "", ""}, function);
  }
  if (execution.state == "dead") {
    return print_call_result(context, {http_status(execution.error.code), reply.body, "", ""}, function);
  }
  if (context.json) {
    print_json(context, reply.body);
  }
  if (!execution.has_ended()) {
    return report_no_end(context, execution.id, execution.state);
  }
  context.terminal.err << "hearth: the execution was " << printable(execution.state) << '\n';
  return kRefused;
}

}  // namespace hearth::cli
