#include "tests/simulation/nemesis.h"

#include <fmt/format.h>

namespace hearth::simulation {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::uint32_t kMostDeadMs = 4'000;
constexpr std::uint32_t kMostSlowMs = 5'000;
constexpr std::uint32_t kMostStaleMs = 3'000;
constexpr std::uint32_t kMostDownMs = 8'000;
constexpr std::uint32_t kLeasesStopped = 3;

}  // namespace

Nemesis::Nemesis(Stage& stage, Servers& servers, Workers& workers)
    : stage_(stage), servers_(servers), workers_(workers), dice_(stage.new_dice()) {}

void Nemesis::every(milliseconds mean, std::function<void()> fault) {
  if (mean.count() == 0) {
    return;
  }
  const double us = dice_.exponential(static_cast<double>(microseconds(mean).count()));
  stage_.loop.at(stage_.loop.now() + microseconds(static_cast<std::int64_t>(us)), [this, mean, fault] {
    if (!finished_) {
      fault();
      every(mean, fault);
    }
  });
}

void Nemesis::after(std::uint32_t most_ms, std::function<void()> then) {
  stage_.loop.at(stage_.loop.now() + milliseconds(dice_.below(most_ms)), std::move(then));
}

void Nemesis::start() {
  const FaultRates& faults = stage_.settings.faults;
  every(faults.kill, [this] { kill_server(); });
  every(faults.stop, [this] { stop_server(); });
  every(faults.drain, [this] { drain_server(); });
  every(faults.store_down, [this] { store_down(); });
  every(faults.slow_disk, [this] { slow_disk(); });
  every(faults.clock, [this] { jump_clock(); });
  every(faults.messaging, [this] {
    stage_.trace.fault("messaging forgets everything");
    stage_.hub.forget();
  });
  every(faults.worker_kill, [this] { kill_worker(); });
  every(faults.worker_stop, [this] { stop_worker(); });
  every(faults.change, [this] {
    stage_.trace.fault(stage_.directory.change());
    for (const auto& host : servers_) {
      host->functions_changed();
    }
  });
  every(faults.stale,
        [this] { server().stale_until(stage_.loop.now() + milliseconds(dice_.below(kMostStaleMs))); });
  every(faults.callers,
        [this] { server().callers_until(stage_.loop.now() + milliseconds(dice_.below(kMostStaleMs))); });
  stage_.store_faults.refused = faults.refused;
  stage_.store_faults.unknown = faults.unknown;
  stage_.wire.cut(faults.cut);
  if (faults.refused + faults.unknown > 0) {
    stage_.wellness.never();
  }
}

void Nemesis::kill_server() {
  ServerHost& host = server();
  if (!host.runs()) {
    return;
  }
  stage_.trace.fault(host.name() + " is killed");
  host.kill();
  after(kMostDeadMs, [&host] { host.start(); });
}

void Nemesis::stop_server() {
  ServerHost& host = server();
  if (!host.runs() || host.stopped()) {
    return;
  }
  const auto lease_ms = static_cast<std::uint32_t>(stage_.settings.runner.lease.count());
  stage_.trace.fault(host.name() + " is stopped");
  host.stop();
  after(kLeasesStopped * lease_ms, [this, &host] {
    stage_.trace.fault(host.name() + " goes on");
    host.go_on();
  });
}

void Nemesis::drain_server() {
  ServerHost& host = server();
  if (!host.runs() || host.stopped()) {
    return;
  }
  stage_.trace.fault(host.name() + " is told to end");
  host.drain([this, &host] { after(kMostDeadMs, [&host] { host.start(); }); });
}

void Nemesis::store_down() {
  stage_.trace.fault("the store is down");
  stage_.store_faults.down = true;
  stage_.wellness.all_disturbed();
  after(kMostDownMs, [this] {
    stage_.trace.fault("the store is up");
    stage_.store_faults.down = false;
    stage_.wellness.all_disturbed();
  });
}

void Nemesis::slow_disk() {
  ServerHost& host = server();
  stage_.trace.fault("the disk of " + host.name() + " is slow");
  host.slow_until(stage_.loop.now() + milliseconds(dice_.below(kMostSlowMs)));
}

void Nemesis::jump_clock() {
  ServerHost& host = server();
  const std::int64_t most_ms = stage_.settings.clock_jump_ms;
  const std::int64_t off_ms =
      dice_.below(3) == 0 ? 0 : dice_.below(static_cast<std::uint32_t>(2 * most_ms)) - most_ms;
  stage_.trace.fault(fmt::format("the clock of {} is {} ms off", host.name(), off_ms));
  host.set_clock(off_ms);
  stage_.wellness.never();
}

void Nemesis::kill_worker() {
  WorkerHost& host = worker();
  stage_.trace.fault(host.name() + " is killed");
  host.kill();
  after(kMostDeadMs, [&host] { host.start(); });
}

void Nemesis::stop_worker() {
  WorkerHost& host = worker();
  if (!host.runs() || host.stopped()) {
    return;
  }
  stage_.trace.fault(host.name() + " is stopped");
  host.stop();
  after(kMostDeadMs, [&host] { host.go_on(); });
}

void Nemesis::finish() {
  finished_ = true;
  stage_.trace.fault("all faults end");
  stage_.store_faults = {};
  stage_.wire.cut(0);
  for (const auto& host : servers_) {
    host->set_clock(0);
    host->go_on();
    host->start();
  }
  for (const auto& host : workers_) {
    host->go_on();
    host->start();
  }
}

}  // namespace hearth::simulation
