// Messaging between the simulated processes, as messaging/redis is to them: one server that holds hints and
// may forget them all, and an end of it in each process. What a process is sent is lost with it. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

#include "messaging/messaging.h"
#include "sim/dice.h"
#include "sim/messaging_server.h"
#include "tests/simulation/process_loop.h"

namespace hearth::simulation {

class HubEnd;

class Hub {
 public:
  Hub(sim::SimLoop& loop, sim::Dice dice) : loop_(loop), dice_(dice) {}
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // Everything that was announced is gone.
  void forget() { server_ = sim::MessagingServer({}); }

 private:
  friend class HubEnd;

  // On the server, soon. Nothing comes from a process that is dead.
  void there(const ProcessLoop& from, std::function<void()> action);
  base::Duration pause();
  void tell_servers(const model::VersionId& version);
  std::vector<HubEnd*> worker_ends() const;

  sim::SimLoop& loop_;
  sim::Dice dice_;
  sim::MessagingServer server_{{}};
  std::vector<HubEnd*> ends_;
  std::uint64_t last_serial_ = 0;
};

class HubEnd final : public messaging::Messaging {
 public:
  // A demand that is not renewed stands no longer: its asker is gone.
  static constexpr std::chrono::seconds kDemandLife{3};
  // An asker is told no when no worker has said yes by then.
  static constexpr std::chrono::milliseconds kDemandDeadline{250};

  // Both outlive it.
  HubEnd(Hub& hub, ProcessLoop& loop);
  HubEnd(const HubEnd&) = delete;
  HubEnd& operator=(const HubEnd&) = delete;
  ~HubEnd() override;

  // Of a worker's process.
  void subscribe(messaging::WorkerSubscriber& subscriber) { subscriber_ = &subscriber; }

  void announce_warm(const model::VersionId& version, const model::Allocation& allocation) override;
  void announce_cold(const model::Allocation& allocation) override;
  void withdraw(const model::VersionId& version, const std::string& instance) override;
  void take(const model::VersionId& version, std::uint32_t memory_mb, messaging::Reach reach,
            std::function<void(std::optional<messaging::Taken>)> done) override;
  void drop_version(const model::VersionId& version) override;
  void demand(const messaging::Demand& demand, std::function<void(bool)> done) override;
  void withdraw_demand(std::uint64_t demand_id) override;
  void on_announced(std::function<void(const model::VersionId&)> wake_up) override {
    wake_up_ = std::move(wake_up);
  }
  // Nothing is distant.
  void on_handed_over(
      std::function<void(const model::VersionId&, const model::Allocation&)> /*use*/) override {}

 private:
  friend class Hub;

  struct Asked {
    std::uint64_t serial = 0;
    std::function<void(bool)> done;  // empty once it was called
    std::size_t answers_wanted = 0;
  };

  void ask(HubEnd& worker, std::uint64_t id, const messaging::Demand& demand);
  void answered(std::uint64_t id, std::uint64_t serial, bool coming, const HubEnd* maker);
  void finish(std::uint64_t id, std::uint64_t serial, bool coming);
  void withdraw_from_workers(std::uint64_t serial, const HubEnd* but);
  void hear_withdrawn(std::uint64_t serial);

  Hub& hub_;
  ProcessLoop& loop_;
  messaging::WorkerSubscriber* subscriber_ = nullptr;
  std::function<void(const model::VersionId&)> wake_up_;
  std::map<std::uint64_t, Asked> asked_;  // by the dispatcher's ids
  std::set<std::uint64_t> withdrawn_;     // that a worker has heard of, perhaps before the demand itself
};

}  // namespace hearth::simulation
