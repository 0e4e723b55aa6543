// hearth logs NAME: what past invocations wrote, and with --follow what the next ones write.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <ostream>

#include "cli/api_model.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/log_text.h"

namespace hearth::cli {
namespace {

constexpr std::chrono::milliseconds kFollowEvery{1'000};
constexpr unsigned kFollowPage = 100;  // entries asked for at once while following

struct LogsOptions {
  std::string name;
  unsigned limit = 100;
  bool follow = false;
};

struct Cursor {
  std::uint64_t after = 0;
  bool page_was_full = false;
};

// Asks for one page and prints it.
ExitCode print_page(Context& context, const std::string& name, const std::string& query, unsigned limit,
                    Cursor& cursor) {
  Reply reply;
  if (const auto code =
          ask(context, {http::Method::kGet, function_path(name, "/logs?" + query), ""}, reply)) {
    return code;
  }
  const auto page = parse_logs(reply.body);
  if (!page) {
    return report_unreadable(context, page.error());
  }
  for (const auto& entry : page->entries) {
    if (!context.json) {
      print_log_heading(context.terminal.out, entry);
      print_log_lines(context.terminal.out, entry);
    }
    cursor.after = std::max(cursor.after, entry.sequence);
  }
  cursor.after = std::max(cursor.after, page->next);
  cursor.page_was_full = page->entries.size() >= limit;
  if (context.json) {
    print_json(context, reply.body);
  }
  context.terminal.out << std::flush;
  return kOk;
}

int run_logs(Context& context, const LogsOptions& options) {
  Cursor cursor;
  auto code =
      print_page(context, options.name, fmt::format("limit={}", options.limit), options.limit, cursor);
  if (!options.follow || code != kOk) {
    return code;
  }
  cursor.page_was_full = false;  // the first page is the newest entries: nothing stands behind it
  while (cursor.page_was_full || context.wait(kFollowEvery)) {
    const auto query = fmt::format("limit={}&after={}", kFollowPage, cursor.after);
    if (code = print_page(context, options.name, query, kFollowPage, cursor); code != kOk) {
      return code;
    }
  }
  return kOk;
}

}  // namespace

Command logs_command() {
  auto options = std::make_shared<LogsOptions>();
  Command command;
  command.name = "logs";
  command.summary = "Show what a function's invocations wrote";
  command.details =
      "A line of stdout begins with '|', one of stderr with '!'.\n"
      "\nExamples:\n  hearth logs hello\n  hearth logs hello --limit 5\n  hearth logs hello --follow\n";
  command.add_options = [options](CLI::App& app) {
    app.add_option("NAME", options->name, "The function's name or id")->required();
    app.add_option("-n,--limit", options->limit, "Newest invocations to show (default: 100)")
        ->type_name("N")
        ->check(CLI::Range(1U, 1000U));
    app.add_flag("-f,--follow", options->follow, "Go on showing new ones until Ctrl-C");
  };
  command.run = [options](Context& context) { return run_logs(context, *options); };
  return command;
}

}  // namespace hearth::cli
