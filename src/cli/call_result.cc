#include "cli/call_result.h"

#include <algorithm>
#include <ostream>
#include <string_view>

#include "base/json_text.h"
#include "cli/ask.h"
#include "cli/format.h"

namespace hearth::cli {
namespace {

// 502 and 504 are the statuses of a function that failed; every other refusal is the server's.
bool is_function_failure(const Reply& reply) { return reply.status == 502 || reply.status == 504; }

}  // namespace

int print_call_result(Context& context, const Reply& reply, const std::string& function) {
  if (reply.status >= 400 && !is_function_failure(reply)) {
    return report_refusal(context, reply);
  }
  if (context.json) {
    print_json(context, reply.body);
  } else if (is_function_failure(reply)) {
    const ApiFailure failure = parse_failure(reply.body);
    context.terminal.err << "hearth: function '" << printable(function) << "' failed ("
                         << printable(failure.code) << ")\n";
    print_error_text(context.terminal.err, failure);
  } else {
    print_json(context, base::json_member(reply.body, "output").value_or("null"));
  }
  return is_function_failure(reply) ? kFunctionFailed : kOk;
}

void print_error_text(std::ostream& out, const ApiFailure& failure) {
  const std::string summary = failure.type.empty() ? failure.message : failure.type + ": " + failure.message;
  out << printable_lines(summary) << '\n';
  // The stack often begins with the same words.
  std::string_view stack = failure.stack;
  if (stack.substr(0, summary.size()) == summary) {
    stack.remove_prefix(summary.size());
    stack.remove_prefix(std::min(stack.find_first_not_of('\n'), stack.size()));
  }
  if (!stack.empty()) {
    out << printable_lines(stack) << '\n';
  }
}

}  // namespace hearth::cli
