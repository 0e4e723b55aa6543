// How a process ends: by a signal, when it is asked to leave, or when it has lost its launcher.
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <functional>

#include "apps/hearth/platform.h"
#include "base/log.h"

namespace hearth {
namespace {

// For the last answers when the launcher was lost.
constexpr std::chrono::seconds kLossTimeout{1};

sigset_t stop_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

void Platform::block_signals() {
  const sigset_t set = stop_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

base::Result<void> Platform::watch_signals() {
  const sigset_t set = stop_signals();
  signals_.reset(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!signals_.valid()) {
    return base::io_error("signalfd", errno);
  }
  signals_watch_ = first_loop().watch(signals_.get(), [this](base::Readiness) {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      on_signal(static_cast<int>(info.ssi_signo));
    }
  });
  return {};
}

void Platform::on_signal(int signal) {
  if (stopping_) {
    spdlog::warn("second signal: stopping what still runs");
    on_each_shard([](Shard& shard) { shard.stop_instances(); });
    stop_servers();
    return;
  }
  spdlog::info("{}: stopping; running invocations may finish for {} s",
               signal == SIGINT ? "SIGINT" : "SIGTERM",
               std::chrono::duration_cast<std::chrono::seconds>(options_.drain_timeout).count());
  drain();
}

void Platform::stop_servers() {
  on_each_shard([](Shard& shard) { shard.stop_servers(); });
  if (monitor_) {
    monitor_->stop();
  }
}

void Platform::on_drain_asked() {
  if (!stopping_) {
    spdlog::info("asked to leave: running invocations may finish for {} s",
                 std::chrono::duration_cast<std::chrono::seconds>(options_.drain_timeout).count());
    drain();
  }
}

void Platform::on_each_shard(const std::function<void(Shard&)>& what) {
  for (const auto& shard : shards_) {
    shard->loop().post([what, &each = *shard] { what(each); });
  }
}

void Platform::drain() {
  stopping_ = true;
  if (http::Server* const api = shards_.front()->server()) {
    api->stop_listening();  // before it deals another connection to a loop that drains
  }
  members_->drain();
  drain_callers();
  base::Reactor& loop = first_loop();
  loop.at(loop.now() + options_.drain_timeout, [this, &loop] {
    spdlog::warn("stopping what still runs after --drain-timeout");
    on_each_shard([](Shard& shard) { shard.stop_instances(); });
    // The answers of what was stopped are sent; a peer that does not read them has a second.
    loop.at(loop.now() + std::chrono::seconds(1), [this] { stop_servers(); });
  });
}

void Platform::drain_callers() {
  draining_parts_ = 1;  // this function
  const auto one_drained = [this] { first_loop().post([this] { one_part_drained(); }); };
  if (monitor_) {
    ++draining_parts_;
    monitor_->drain(one_drained);
  }
  if (executions_) {
    ++draining_parts_;
    executions_->drain(one_drained);
  }
  for (const auto& shard : shards_) {
    if (shard->server() != nullptr) {
      ++draining_parts_;
      shard->loop().post([&each = *shard, one_drained] { each.drain_callers(one_drained); });
    }
  }
  one_part_drained();
}

// Callers are served by them to the last.
void Platform::drain_workers() {
  workers_drain_ = true;
  draining_parts_ = 1;
  const auto one_drained = [this] { first_loop().post([this] { one_part_drained(); }); };
  for (const auto& shard : shards_) {
    if (shard->worker() != nullptr) {
      draining_parts_ += shard->worker_parts();
      shard->loop().post([&each = *shard, one_drained] { each.drain_worker(one_drained); });
    }
  }
  one_part_drained();
}

void Platform::one_part_drained() {
  if (--draining_parts_ > 0) {
    return;
  }
  if (workers_drain_) {
    members_->leave([this] { first_loop().stop(); });
  } else {
    drain_workers();
  }
}

void Platform::launcher_lost(const base::Error& error) {
  if (stopping_) {
    return;
  }
  spdlog::critical("the launcher was lost ({}): no instance can be started or removed; stopping",
                   error.message);
  exit_status_ = 1;
  // Every instance has been reported as killed, to its own loop: their callers are told before the end.
  drain();
  first_loop().at(first_loop().now() + kLossTimeout, [this] { first_loop().stop(); });
}

}  // namespace hearth
