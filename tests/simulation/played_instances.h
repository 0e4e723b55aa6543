// The instances of one simulated worker process. Each answers with the number of its run and its input, or
// fails as its function's habits have it. Loop thread of the worker only.
#pragma once

#include <functional>
#include <memory>

#include "tests/simulation/directory.h"
#include "tests/simulation/runs.h"
#include "worker/instance.h"

namespace hearth::simulation {

struct InstanceParts {
  const Directory& directory;
  ProcessLoop& loop;
  Runs& runs;
  // A run has begun.
  std::function<void(std::uint64_t run)> began;
};

class PlayedInstances final : public worker::InstanceFactory {
 public:
  PlayedInstances(InstanceParts parts, sim::Dice dice) : parts_(std::move(parts)), dice_(dice) {}

  std::unique_ptr<worker::Instance> start(worker::InstanceStart start,
                                          worker::InstanceEvents& events) override;
  std::unique_ptr<worker::Instance> prestart(worker::Prestart prestart,
                                             worker::InstanceEvents& events) override;

 private:
  class PlayedInstance;

  const InstanceParts parts_;
  sim::Dice dice_;
};

// What the run of this number answers to this input.
std::string answer_of(std::uint64_t run, const std::string& input);

}  // namespace hearth::simulation
