// One simulated host of a worker: the process on it is the product's worker, with instances that are played.
// It may be stopped and killed, and started again with nothing of what it was. One thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "tests/simulation/played_instances.h"
#include "tests/simulation/stage.h"
#include "worker/worker.h"

namespace hearth::simulation {

class WorkerHost {
 public:
  WorkerHost(Stage& stage, std::string name) : stage_(stage), name_(std::move(name)) {}
  WorkerHost(const WorkerHost&) = delete;
  WorkerHost& operator=(const WorkerHost&) = delete;
  ~WorkerHost() { kill(); }

  void start();
  void kill();
  void stop();
  void go_on();

  bool runs() const { return parts_ != nullptr; }
  bool stopped() const { return runs() && loops_.back()->stopped(); }
  const std::string& name() const { return name_; }
  bool ledger_is_exact() const { return !runs() || parts_->worker.ledger_is_exact(); }

 private:
  struct Parts {
    Parts(Stage& stage, ProcessLoop& loop, const std::string& uri);

    base::SeededRandom random;
    HubEnd messaging;
    PlayedInstances instances;
    worker::Worker worker;
  };

  void announce_again();

  Stage& stage_;
  const std::string name_;
  std::string uri_;
  std::vector<std::unique_ptr<ProcessLoop>> loops_;  // the last one is of the process that runs
  std::unique_ptr<Parts> parts_;
};

}  // namespace hearth::simulation
