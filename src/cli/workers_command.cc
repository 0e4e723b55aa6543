// hearth workers: who executes calls; and how one is taken out of the platform without a failed call.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>
#include <ostream>

#include "cli/api_model.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/format.h"

namespace hearth::cli {
namespace {

constexpr std::chrono::milliseconds kLookEvery{500};
constexpr const char* kDrainTimeout = "60s";

struct DrainOptions {
  std::string id;
  std::string timeout = kDrainTimeout;
};

// "3 (1 running, 2 idle)"
std::string describe_instances(const WorkerInfo& worker) {
  std::string parts;
  for (const auto& [state, count] : worker.instances) {
    if (count > 0) {
      parts += (parts.empty() ? "" : ", ") + fmt::format("{} {}", count, state);
    }
  }
  return parts.empty() ? "0" : fmt::format("{} ({})", worker.instance_count(), parts);
}

std::string in_mb(std::uint64_t mb) { return std::to_string(mb) + " MB"; }

void print_table(Context& context, const std::vector<WorkerInfo>& workers) {
  Table table({"ID", "ROLE", "STATE", "VERSION", "MEMORY", "FREE", "BUSY", "INSTANCES", "FUNCTIONS",
               "STARTED", "URI"});
  for (const auto& worker : workers) {
    table.add({worker.id, worker.role, worker.state, worker.version, in_mb(worker.memory_total_mb),
               in_mb(worker.memory_free_mb), in_mb(worker.memory_busy_mb), describe_instances(worker),
               std::to_string(worker.versions), human_age(worker.started_at, context.now_ms()),
               worker.uri.empty() ? "-" : worker.uri});
  }
  table.print(context.terminal.out);
}

ExitCode list_workers(Context& context, Reply& reply, std::vector<WorkerInfo>& workers) {
  if (const auto code = ask(context, {http::Method::kGet, "/workers", ""}, reply)) {
    return code;
  }
  auto parsed = parse_workers(reply.body);
  if (!parsed) {
    return report_unreadable(context, parsed.error());
  }
  workers = std::move(*parsed);
  return kOk;
}

int run_workers(Context& context) {
  Reply reply;
  std::vector<WorkerInfo> workers;
  if (const auto code = list_workers(context, reply, workers)) {
    return code;
  }
  if (context.json) {
    print_json(context, reply.body);
  } else if (workers.empty()) {
    context.terminal.out << "No workers. Start one: hearth worker --help\n";
  } else {
    print_table(context, workers);
  }
  return kOk;
}

const WorkerInfo* find(const std::vector<WorkerInfo>& workers, const std::string& id_or_uri) {
  const auto found = std::ranges::find_if(workers, [&](const WorkerInfo& worker) {
    return worker.id == id_or_uri || (!worker.uri.empty() && worker.uri == id_or_uri);
  });
  return found == workers.end() ? nullptr : &*found;
}

ExitCode report_unknown(Context& context, const DrainOptions& options) {
  context.terminal.err << "hearth: there is no worker '" << printable(options.id)
                       << "'\n  'hearth workers' shows those that there are\n";
  return kNotFound;
}

void say_left(Context& context, const std::string& id) {
  if (context.json) {
    print_json(context, fmt::format(R"({{"id":"{}","state":"left"}})", id));
  } else {
    context.terminal.out << printable(id) << " has left\n";
  }
}

// Until the worker is among the others no more, telling on stderr what it still has.
ExitCode wait_until_left(Context& context, const std::string& id, std::chrono::milliseconds timeout) {
  std::string told;
  const std::int64_t until = context.now_ms() + timeout.count();
  for (std::chrono::milliseconds waited{0};; waited += kLookEvery) {
    Reply reply;
    std::vector<WorkerInfo> workers;
    if (const auto code = list_workers(context, reply, workers)) {
      return code;
    }
    const WorkerInfo* worker = find(workers, id);
    if (worker == nullptr) {
      say_left(context, id);
      return kOk;
    }
    const std::string now = fmt::format("{} drains: {} instances", id, describe_instances(*worker));
    if (now != told && !context.json) {
      context.terminal.err << printable(now) << '\n' << std::flush;
    }
    told = now;
    if (waited >= timeout || context.now_ms() >= until || !context.wait(kLookEvery)) {
      context.terminal.err << "hearth: " << printable(id) << " has not left within "
                           << human_setting(static_cast<std::uint64_t>(timeout.count()))
                           << "; it goes on draining\n  'hearth workers' shows when it has left\n";
      return kUnreachable;
    }
  }
}

int run_drain(Context& context, const DrainOptions& options) {
  const auto timeout = parse_milliseconds(options.timeout);
  if (!timeout) {
    return report_usage(context, "--timeout: " + timeout.error().message);
  }
  Reply reply;
  std::vector<WorkerInfo> workers;
  if (const auto code = list_workers(context, reply, workers)) {
    return code;
  }
  // Followed by its id: another may be started at its URI.
  const WorkerInfo* worker = find(workers, options.id);
  if (worker == nullptr) {
    return report_unknown(context, options);
  }
  const std::string id = worker->id;
  if (const auto code = ask(context, {http::Method::kPost, worker_path(id, "/drain"), ""}, reply)) {
    return code;
  }
  return wait_until_left(context, id, *timeout);
}

}  // namespace

Command workers_command() {
  auto drain = std::make_shared<std::optional<DrainOptions>>();
  auto given = std::make_shared<DrainOptions>();
  Command command;
  command.name = "workers";
  command.summary = "List the workers, or take one out of the platform";
  command.details =
      "FREE is memory of no function, BUSY that of instances at work; FUNCTIONS counts the versions that a\n"
      "worker has instances of.\n"
      "\nExamples:\n  hearth workers\n  hearth workers --json | jq '.workers[].memory'\n"
      "  hearth workers drain worker-7k3v9x\n  hearth workers drain http://10.0.0.2:8081 --timeout 5m\n";
  command.add_options = [drain, given](CLI::App& app) {
    auto* const action = app.add_subcommand("drain", "Move a worker's work away, and wait until it has left");
    action->add_option("ID", given->id, "The worker's id, or its URI")->required();
    action
        ->add_option("--timeout", given->timeout,
                     "Longest wait for it to leave; its running calls have its own --drain-timeout")
        ->type_name("TIME")
        ->capture_default_str();
    action->callback([drain, given] { *drain = *given; });
    app.require_subcommand(0, 1);
  };
  command.run = [drain](Context& context) {
    return drain->has_value() ? run_drain(context, **drain) : run_workers(context);
  };
  return command;
}

}  // namespace hearth::cli
