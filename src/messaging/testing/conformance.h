// What the messaging conformance suite needs from an adapter. Each test program links the suite's source and
// defines messaging_backends(), so a new adapter is held to the same promises. Tests only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "messaging/messaging.h"

namespace hearth::messaging {

// Keeps what it is told.
class RecordingWorker final : public WorkerSubscriber {
 public:
  bool on_demand(const Demand& demand) override {
    demands.push_back(demand);
    return makes_room;
  }
  void on_demand_withdrawn(std::uint64_t id) override { withdrawn.push_back(id); }
  void on_version_dropped(const model::VersionId& version) override { dropped.push_back(version); }
  void on_announce_again() override {
    ++asked_again;
    if (when_asked_again) {
      when_asked_again();
    }
  }

  bool makes_room = false;
  std::vector<Demand> demands;
  std::vector<std::uint64_t> withdrawn;
  std::vector<model::VersionId> dropped;
  int asked_again = 0;
  std::function<void()> when_asked_again;
};

struct Subject {
  std::shared_ptr<Messaging> messaging;
  std::shared_ptr<RecordingWorker> worker = std::make_shared<RecordingWorker>();
  // Runs the subject's loop until all that was asked of it has come to its end.
  std::function<void()> settle = [] {};
  // Of all cold entries the oldest comes first; else of those on each server.
  bool one_cold_queue = true;
};

struct MessagingBackend {
  std::string name;
  std::function<Subject()> make;
};

std::vector<MessagingBackend> messaging_backends();

}  // namespace hearth::messaging
