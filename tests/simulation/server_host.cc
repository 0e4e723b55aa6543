#include "tests/simulation/server_host.h"

#include <fmt/format.h>

namespace hearth::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kTryAgain{1};
constexpr seconds kMostDrain{8};
constexpr seconds kSlowEnds{5};  // the last job that was slow has been done
constexpr std::uint32_t kMostLookupUs = 3'000;

dispatch::DispatcherOptions dispatcher_options() {
  dispatch::DispatcherOptions options;
  options.instances_here = false;
  options.cores = 8;
  return options;
}

}  // namespace

ServerHost::Process::Process(Stage& stage, ProcessId process_id)
    : id(process_id),
      loop(stage.loop, stage.trace, stage.new_dice()),
      pool(stage.loop, loop, stage.new_dice(), {stage.settings.embedded}),
      store(process_id, stage.store, stage.book, stage.store_faults, stage.new_dice()) {}

ServerHost::Parts::Parts(Stage& stage, ServerHost& host, Process& process)
    : random(stage.dice.next()),
      messaging(stage.hub, process.loop),
      link(stage.wire, process.loop, process.id),
      dispatcher(dispatcher_options(), messaging, link, process.loop),
      mirror(stage.directory, process.loop, stage.new_dice(),
             [this](const model::VersionId& version, bool deleted) {
               dispatcher.retire(version, deleted);
               messaging.drop_version(version);
             }),
      journal(process.store, process.pool, process.loop),
      api(stage.settings.backlog, host.api_parts(process, *this)),
      retention(stage.settings.retention,
                {process.loop, process.pool, process.store, [&host] { return host.clock_.unix_now_ms(); }}) {
  monitor::RunnerOptions options = stage.settings.runner;
  options.shared = !stage.settings.embedded;
  runner = std::make_unique<monitor::ExecutionRunner>(options, host.runner_parts(process, *this));
}

ServerHost::ServerHost(Stage& stage, std::string name, std::int64_t clock_off_ms)
    : stage_(stage), name_(std::move(name)), clock_(stage.loop, clock_off_ms) {}

gateway::ExecutionsParts ServerHost::api_parts(Process& process, Parts& parts) {
  return {process.store,
          parts.journal,
          process.pool,
          process.loop,
          parts.random,
          [&parts](store::NewExecution& execution) { return parts.runner->take(execution); },
          [&parts](const store::NewExecution& execution, bool accepted) {
            parts.runner->taken(execution, accepted);
          },
          [&parts](const store::NewExecution& execution) { parts.runner->pending(execution); },
          [&parts](model::ExecutionKind) { parts.runner->wake(); },
          [this] { return clock_.unix_now_ms(); }};
}

monitor::RunnerParts ServerHost::runner_parts(Process& process, Parts& parts) {
  monitor::RunnerParts made{process.loop,  process.pool,     process.store,
                            parts.journal, parts.dispatcher, parts.random};
  made.function = [&parts](const model::FunctionId& id) { return parts.mirror.find(id); };
  made.version = [this, &process, dice = std::make_shared<sim::Dice>(stage_.new_dice())](
                     const model::FunctionId& id, std::uint32_t number,
                     const std::function<void(base::Result<model::VersionPtr>)>& done) {
    process.loop.later(std::chrono::microseconds(dice->below(kMostLookupUs)), [this, id, number, done] {
      done(stage_.store_faults.down
               ? base::Result<model::VersionPtr>(base::Error{base::ErrorCode::kUnavailable, "no store"})
               : stage_.directory.version(id, number));
    });
  };
  made.executed = [](const model::Function&, const model::ExecutionId&, const model::Execution&,
                     std::int64_t) {};
  made.ended = [&parts](const monitor::EndedExecution& ended) {
    parts.api.ended(ended.function_id, ended.input_bytes);
  };
  made.may_execute = [this] { return stage_.loop.now() >= stale_until_; };
  made.has_callers = [this] { return stage_.loop.now() < callers_until_; };
  made.unix_now_ms = [this] { return clock_.unix_now_ms(); };
  return made;
}

void ServerHost::start() {
  if (runs() || starting_) {
    return;
  }
  processes_.push_back(std::make_unique<Process>(stage_, stage_.runs.next_process()));
  process_ = processes_.back().get();
  stage_.wellness.disturbed(process_->id);
  parts_ = std::make_unique<Parts>(stage_, *this, *process_);
  if (!open()) {
    kill();
    starting_ = true;
    stage_.loop.at(stage_.loop.now() + kTryAgain, [this] {
      starting_ = false;
      start();
    });
    return;
  }
  draining_ = false;
  stage_.trace.fault(fmt::format("{} runs as process {}", name_, process_->id));
  if (!stage_.settings.embedded) {
    parts_->api.count_again();
  }
  parts_->runner->start();
  parts_->retention.start();
}

bool ServerHost::open() {
  if (stage_.settings.embedded && !process_->store.release_all(clock_.unix_now_ms())) {
    return false;
  }
  return parts_->api.open().ok();
}

void ServerHost::kill() {
  if (!runs()) {
    return;
  }
  process_->loop.kill();
  process_->pool.kill();
  stage_.wellness.dead(process_->id);
  parts_.reset();
  stage_.wire.forget_server(process_->id);
}

void ServerHost::stop() {
  if (runs()) {
    process_->loop.stop();
    stage_.wellness.dead(process_->id);
  }
}

void ServerHost::go_on() {
  if (runs() && process_->loop.stopped()) {
    process_->loop.go_on();
    process_->pool.go_on();
    stage_.wellness.disturbed(process_->id);
  }
}

// What the drained runner calls runs inside of it.
void ServerHost::drain(std::function<void()> dead) {
  if (!runs() || draining_) {
    return;
  }
  draining_ = true;
  const auto die = [this, id = process_->id, dead = std::move(dead)] {
    if (runs() && id == process_->id) {
      kill();
      dead();
    }
  };
  parts_->dispatcher.drain();
  parts_->runner->drain([this, die] { stage_.loop.at(stage_.loop.now(), die); });
  stage_.loop.at(stage_.loop.now() + kMostDrain, die);
}

void ServerHost::slow_until(base::TimePoint until) {
  if (runs()) {
    slow_until_ = until;
    process_->pool.slow_until(until);
    stage_.wellness.dead(process_->id);
    stage_.loop.at(until + kSlowEnds, [this, until, id = process_->id] {
      if (runs() && process_->id == id && slow_until_ == until) {
        stage_.wellness.disturbed(id);
      }
    });
  }
}

void ServerHost::set_clock(std::int64_t off_ms) { clock_.set_off(off_ms); }

void ServerHost::functions_changed() {
  if (runs()) {
    stage_.settings.embedded ? parts_->mirror.catch_up() : parts_->mirror.catch_up_later();
  }
}

void ServerHost::request(const model::FunctionId& function,
                         const std::function<void(gateway::Executions*)>& what) {
  if (runs() && !draining_) {
    process_->loop.later(base::Duration(1), [this, function, what] {
      what(function.empty() || parts_->mirror.find(function) ? &parts_->api : nullptr);
    });
  }
}

bool ServerHost::ends_at_once() {
  bool ended = false;
  parts_->runner->drain([&ended] { ended = true; });
  kill();
  return ended;
}

std::string ServerHost::what_is_left() const {
  if (!runs()) {
    return name_ + " does not run";
  }
  const auto& backlog = parts_->api.backlog();
  if (parts_->runner->executing() != 0 || parts_->dispatcher.calls_running() != 0 ||
      parts_->dispatcher.calls_waiting() != 0 || backlog.executions() != 0 || backlog.input_bytes() != 0) {
    return fmt::format(
        "{} executes {}, has {} calls under way and {} waiting, and a backlog of {} ({} bytes)", name_,
        parts_->runner->executing(), parts_->dispatcher.calls_running(), parts_->dispatcher.calls_waiting(),
        backlog.executions(), backlog.input_bytes());
  }
  return {};
}

}  // namespace hearth::simulation
