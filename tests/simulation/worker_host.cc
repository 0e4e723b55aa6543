#include "tests/simulation/worker_host.h"

#include <fmt/format.h>

namespace hearth::simulation {
namespace {

constexpr std::chrono::seconds kAnnounceAgain{5};
constexpr std::uint32_t kLargestFunctionMb = 512;

worker::WorkerOptions options_of(const Settings& settings, const std::string& uri) {
  worker::WorkerOptions options;
  options.uri = uri;
  options.memory_mb = settings.worker_memory_mb;
  options.largest_function_mb = kLargestFunctionMb;
  options.shared = true;
  return options;
}

}  // namespace

WorkerHost::Parts::Parts(Stage& stage, ProcessLoop& loop, const std::string& uri)
    : random(stage.dice.next()),
      messaging(stage.hub, loop),
      instances({stage.directory, loop, stage.runs, [&stage](std::uint64_t run) { stage.book.began(run); }},
                stage.new_dice()),
      worker(options_of(stage.settings, uri), instances, messaging, loop, random) {
  messaging.subscribe(worker);
}

void WorkerHost::start() {
  if (runs()) {
    return;
  }
  uri_ = fmt::format("{}.{}", name_, loops_.size());
  loops_.push_back(std::make_unique<ProcessLoop>(stage_.loop, stage_.trace, stage_.new_dice()));
  parts_ = std::make_unique<Parts>(stage_, *loops_.back(), uri_);
  stage_.wire.join(uri_, *loops_.back(), parts_->worker);
  parts_->worker.open();
  announce_again();
}

// Hints are lost: with a messaging server, and with whoever took one and died.
void WorkerHost::announce_again() {
  loops_.back()->later(kAnnounceAgain, [this] {
    parts_->worker.on_announce_again();
    announce_again();
  });
}

void WorkerHost::kill() {
  if (runs()) {
    loops_.back()->kill();
    stage_.wire.leave(uri_);
    parts_.reset();
  }
}

void WorkerHost::stop() {
  if (runs()) {
    loops_.back()->stop();
  }
}

void WorkerHost::go_on() {
  if (stopped()) {
    loops_.back()->go_on();
  }
}

}  // namespace hearth::simulation
