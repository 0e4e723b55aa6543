#include "cli/ask.h"

#include <ostream>

#include "base/json_text.h"
#include "cli/api_model.h"
#include "cli/format.h"

namespace hearth::cli {
namespace {

ExitCode exit_code(int status) { return status == 404 ? kNotFound : kRefused; }

ExitCode accept(Context& context, base::Result<Reply> answer, Reply& reply,
                std::string_view advice_if_missing) {
  if (!answer) {
    return report_no_answer(context, answer.error());
  }
  reply = std::move(*answer);
  return reply.status < 400 ? kOk : report_refusal(context, reply, advice_if_missing);
}

std::string_view advice(int status, std::string_view if_missing) {
  switch (status) {
    case 401:
      return "give the server's key with --api-key or HEARTH_API_KEY";
    case 404:
      return if_missing;
    default:
      return {};
  }
}

}  // namespace

ExitCode ask(Context& context, const Request& request, Reply& reply, std::string_view advice_if_missing) {
  return accept(context, context.api.send(request), reply, advice_if_missing);
}

ExitCode ask_upload(Context& context, http::Method method, const std::string& path, http::BodySource& body,
                    Reply& reply) {
  return accept(context, context.api.upload(method, path, body), reply, kListFunctions);
}

ExitCode report_refusal(Context& context, const Reply& reply, std::string_view advice_if_missing) {
  if (context.json && base::looks_like_json(reply.body)) {
    print_json(context, reply.body);
    return exit_code(reply.status);
  }
  auto& err = context.terminal.err;
  const ApiFailure failure = parse_failure(reply.body);
  err << "hearth: " << (failure.message.empty() ? "the server refused" : printable(failure.message)) << " ("
      << reply.status;
  if (!failure.code.empty()) {
    err << ' ' << printable(failure.code);
  }
  err << ")\n";
  if (!reply.retry_after.empty()) {
    err << "  try again in " << printable(reply.retry_after) << " s\n";
  } else if (const auto hint = advice(reply.status, advice_if_missing); !hint.empty()) {
    err << "  " << hint << '\n';
  }
  return exit_code(reply.status);
}

ExitCode report_no_answer(Context& context, const base::Error& error) {
  auto& err = context.terminal.err;
  err << "hearth: " << error.message << '\n';
  switch (error.code) {
    case base::ErrorCode::kInvalidArgument:
    case base::ErrorCode::kUnsupported:
      return kUsage;
    case base::ErrorCode::kTimeout:
      err << "  'hearth --timeout 5m …' waits longer\n";
      return kUnreachable;
    case base::ErrorCode::kIo:
    case base::ErrorCode::kUnavailable:
      return kUnreachable;
    default:
      return kRefused;
  }
}

std::string check_not_empty(const std::string& text) { return text.empty() ? "it is empty" : ""; }

ExitCode report_usage(Context& context, std::string_view message) {
  context.terminal.err << "hearth: " << message << '\n';
  return kUsage;
}

ExitCode report_unreadable(Context& context, const base::Error& error) {
  context.terminal.err << "hearth: " << error.message << "\n  is " << context.endpoint
                       << " a Hearth server of this version? 'hearth version' tells\n";
  return kRefused;
}

void print_json(Context& context, std::string_view json) {
  while (!json.empty() && (json.back() == '\n' || json.back() == '\r')) {
    json.remove_suffix(1);
  }
  context.terminal.out << (context.terminal.out_is_terminal ? base::pretty_json(json) : std::string(json))
                       << '\n';
}

}  // namespace hearth::cli
