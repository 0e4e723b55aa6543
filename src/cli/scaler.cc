#include "cli/scaler.h"

#include <fmt/format.h>

#include <ostream>
#include <utility>

#include "cli/ask.h"
#include "cli/format.h"

namespace hearth::cli {
namespace {

// One look has no before: what it sees is reason enough.
ScalerOptions policy_of(const ScalerSettings& settings) {
  ScalerOptions options = settings.policy;
  if (settings.once) {
    options.up_after = options.down_after = base::Duration::zero();
  }
  return options;
}

std::string ending(const ShellResult& result, std::chrono::milliseconds timeout) {
  if (!result.started) {
    return "could not be started";
  }
  return result.timed_out ? fmt::format("did not end within {}",
                                        human_setting(static_cast<std::uint64_t>(timeout.count())))
                          : fmt::format("ended with {}", result.exit_code);
}

}  // namespace

Scaler::Scaler(Context& context, ScalerSettings settings, ScalerWorld world)
    : context_(context),
      settings_(std::move(settings)),
      world_(std::move(world)),
      policy_(policy_of(settings_)) {}

void Scaler::say(const std::string& line) {
  context_.terminal.out << "hearth scaler: " << printable(line) << '\n' << std::flush;
}

int Scaler::run() {
  for (;;) {
    const ExitCode code = step();
    if (settings_.once) {
      return code;
    }
    if (code == kUsage && trouble_.empty()) {
      say("nothing more is run before the cool-down is over, which each failure doubles");
    }
    if (!context_.wait(settings_.interval)) {
      say("stopping");
      return kOk;
    }
  }
}

std::optional<CapacityInfo> Scaler::look() {
  auto answer = context_.api.send({http::Method::kGet, "/capacity", ""});
  std::string trouble;
  if (!answer) {
    trouble = answer.error().message;
  } else if (answer->status != 200) {
    trouble = fmt::format("{} answered {}: {}", context_.endpoint, answer->status,
                          parse_failure(answer->body).message);
  } else if (auto capacity = parse_capacity(answer->body)) {
    if (!std::exchange(trouble_, {}).empty()) {
      say("the capacity is known again");
    }
    return *capacity;
  } else {
    trouble = capacity.error().message;
  }
  policy_.unknown();
  if (trouble != trouble_) {
    context_.terminal.err << "hearth scaler: " << printable(trouble) << "; nothing is changed meanwhile\n"
                          << std::flush;
    trouble_ = trouble;
  }
  return std::nullopt;
}

ExitCode Scaler::step() {
  const auto capacity = look();
  if (!capacity) {
    return kUnreachable;
  }
  const ScalerDecision decision = policy_.decide(*capacity, world_.now());
  if (decision.action == ScalerAction::kNone) {
    if (settings_.once) {
      say(fmt::format("{} workers, {} needed: nothing to do", capacity->workers, capacity->workers_needed));
    }
    return kOk;
  }
  return act(decision, *capacity);
}

ExitCode Scaler::act(const ScalerDecision& decision, const CapacityInfo& capacity) {
  ShellCommand command;
  command.line = decision.action == ScalerAction::kUp ? settings_.up : settings_.down;
  command.timeout = settings_.command_timeout;
  command.environment = {{"HEARTH_WORKERS", std::to_string(decision.workers)},
                         {"HEARTH_WORKERS_NEEDED", std::to_string(decision.wanted)},
                         {"HEARTH_ENDPOINT", context_.endpoint}};
  if (!context_.api_key.empty()) {
    command.environment.emplace_back("HEARTH_API_KEY", context_.api_key);
  }
  std::string which;
  if (decision.action == ScalerAction::kDown) {
    if (!choose_worker(command)) {
      context_.terminal.err << "hearth scaler: there is no worker to take away\n";
      policy_.tried(false, world_.now());
      return kNotFound;
    }
    which = ", " + command.environment.back().second + " is to go";
  }
  say(fmt::format("{} workers, {} needed, {} MB waited for, {} MB free: {}{}: {}", capacity.workers,
                  capacity.workers_needed, capacity.memory_waited_mb, capacity.memory_free_mb,
                  decision.action == ScalerAction::kUp ? "up" : "down", which, command.line));
  return execute(command);
}

ExitCode Scaler::execute(const ShellCommand& command) {
  if (settings_.dry_run) {
    policy_.tried(true, world_.now());
    return kOk;
  }
  const ShellResult result = world_.run(command);
  policy_.tried(result.worked(), world_.now());
  if (result.worked()) {
    return kOk;
  }
  context_.terminal.err << "hearth scaler: the command " << ending(result, settings_.command_timeout) << ": "
                        << printable(command.line) << '\n'
                        << std::flush;
  return kUsage;
}

// The last of the environment is its id.
bool Scaler::choose_worker(ShellCommand& command) {
  const auto answer = context_.api.send({http::Method::kGet, "/workers", ""});
  if (!answer || answer->status != 200) {
    return false;
  }
  const auto workers = parse_workers(answer->body);
  const WorkerInfo* const chosen = workers ? least_busy(*workers) : nullptr;
  if (chosen == nullptr) {
    return false;
  }
  command.environment.emplace_back("HEARTH_WORKER_URI", chosen->uri);
  command.environment.emplace_back("HEARTH_WORKER_ID", chosen->id);
  return true;
}

}  // namespace hearth::cli
