// One request on behalf of a command: what goes wrong is told to the user here, in one way for all.
#pragma once

#include <string>
#include <string_view>

#include "cli/api.h"
#include "cli/command.h"
#include "cli/exit_code.h"

namespace hearth::cli {

// What helps with a 404, for a command that is about a function.
inline constexpr std::string_view kListFunctions = "'hearth list' shows the functions that there are";

// kOk and the reply when the server answered below 400. Otherwise the failure has been printed (in
// JSON mode the server's own JSON, on stdout) and the result is the exit code.
ExitCode ask(Context& context, const Request& request, Reply& reply,
             std::string_view advice_if_missing = kListFunctions);
ExitCode ask_upload(Context& context, http::Method method, const std::string& path, http::BodySource& body,
                    Reply& reply);

// For a reply of 400 and above: prints why and returns the exit code.
ExitCode report_refusal(Context& context, const Reply& reply,
                        std::string_view advice_if_missing = kListFunctions);
ExitCode report_no_answer(Context& context, const base::Error& error);
// A check of CLI11's: an empty id or name would make another request of it.
std::string check_not_empty(const std::string& text);
// What is wrong on this side: "hearth: MESSAGE".
ExitCode report_usage(Context& context, std::string_view message);
// A reply below 400 that this client cannot read.
ExitCode report_unreadable(Context& context, const base::Error& error);

// The reply's JSON with one line end.
void print_json(Context& context, std::string_view json);

}  // namespace hearth::cli
