// hearth status: is the server well, and how much room does it have?
#include <fmt/format.h>

#include <ostream>

#include "cli/api_model.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/format.h"

namespace hearth::cli {
namespace {

// "cold" counts no instances, but memory set aside for them ahead of any call.
std::string describe_instances(const Health& health) {
  std::uint64_t total = 0;
  std::uint64_t cold = 0;
  std::string parts;
  for (const auto& [state, count] : health.instances) {
    if (state == "cold") {
      cold = count;
    } else if (count > 0) {
      total += count;
      parts += (parts.empty() ? "" : ", ") + fmt::format("{} {}", count, state);
    }
  }
  const std::string running = parts.empty() ? "none" : fmt::format("{} ({})", total, parts);
  return cold == 0 ? running : fmt::format("{}, and room set aside for {} more", running, cold);
}

void print_health(Context& context, const Health& health) {
  constexpr std::uint64_t kMb = 1024 * 1024;
  context.terminal.out << fmt::format(
      "server     {} at {}\n"
      "version    {}\n"
      "up for     {}\n"
      "memory     {} for instances, {} of it not set aside\n"
      "instances  {}\n"
      "functions  {}\n",
      printable(health.status), context.endpoint, printable(health.version),
      human_seconds(health.uptime_seconds), human_bytes(health.memory_total_mb * kMb),
      human_bytes(health.memory_free_mb * kMb), printable(describe_instances(health)), health.functions);
}

int run_status(Context& context) {
  Reply reply;
  if (const auto code = ask(context, {http::Method::kGet, "/health", ""}, reply)) {
    return code;
  }
  if (context.json) {
    print_json(context, reply.body);
    return kOk;
  }
  const auto health = parse_health(reply.body);
  if (!health) {
    return report_unreadable(context, health.error());
  }
  print_health(context, *health);
  return kOk;
}

}  // namespace

Command status_command() {
  Command command;
  command.name = "status";
  command.summary = "Show the server's health, memory and instances";
  command.details = "Examples:\n  hearth status\n  hearth status --json | jq .memory.freeMb\n";
  command.run = run_status;
  return command;
}

}  // namespace hearth::cli
