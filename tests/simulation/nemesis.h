// What goes wrong on a simulated platform, each at its own random moments, until it is told to make
// everything well again. One thread.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "tests/simulation/server_host.h"
#include "tests/simulation/stage.h"
#include "tests/simulation/worker_host.h"

namespace hearth::simulation {

class Nemesis {
 public:
  using Servers = std::vector<std::unique_ptr<ServerHost>>;
  using Workers = std::vector<std::unique_ptr<WorkerHost>>;

  // All outlive it.
  Nemesis(Stage& stage, Servers& servers, Workers& workers);
  Nemesis(const Nemesis&) = delete;
  Nemesis& operator=(const Nemesis&) = delete;

  void start();
  // Everything runs, is reached, and knows the time.
  void finish();

 private:
  void every(std::chrono::milliseconds mean, std::function<void()> fault);
  void after(std::uint32_t most_ms, std::function<void()> then);
  ServerHost& server() { return *servers_[dice_.below(static_cast<std::uint32_t>(servers_.size()))]; }
  WorkerHost& worker() { return *workers_[dice_.below(static_cast<std::uint32_t>(workers_.size()))]; }
  void kill_server();
  void stop_server();
  void drain_server();
  void store_down();
  void slow_disk();
  void jump_clock();
  void kill_worker();
  void stop_worker();

  Stage& stage_;
  Servers& servers_;
  Workers& workers_;
  sim::Dice dice_;
  bool finished_ = false;
};

}  // namespace hearth::simulation
