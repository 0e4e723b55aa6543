// The messaging port of one simulated process, gateway or worker: what messaging/redis does in a process,
// over MessagingNet. Loop thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/event_loop.h"
#include "messaging/messaging.h"
#include "sim/messaging_net.h"

namespace hearth::sim {

class SimMessaging final : public messaging::Messaging {
 public:
  // An asker is told no when no worker has said yes by then.
  static constexpr std::chrono::milliseconds kDemandDeadline{250};

  // Made by MessagingNet, which outlives it.
  SimMessaging(MessagingNet& net, base::EventLoop& loop);
  SimMessaging(const SimMessaging&) = delete;
  SimMessaging& operator=(const SimMessaging&) = delete;
  ~SimMessaging() override;

  // Of a worker's process, before anything is demanded. `subscriber` outlives this object's use.
  void subscribe(messaging::WorkerSubscriber& subscriber) { subscriber_ = &subscriber; }
  // The subscriber announces everything again.
  void announce_again();

  void announce_warm(const model::VersionId& version, const model::Allocation& allocation) override;
  void announce_cold(const model::Allocation& allocation) override;
  void withdraw(const model::VersionId& version, const std::string& instance) override;
  void take(const model::VersionId& version, std::uint32_t memory_mb, messaging::Reach reach,
            std::function<void(std::optional<messaging::Taken>)> done) override;
  // No function of a simulation is deployed again or deleted.
  void drop_version(const model::VersionId& version) override;
  void demand(const messaging::Demand& demand, std::function<void(bool)> done) override;
  void withdraw_demand(std::uint64_t demand_id) override;
  void on_announced(std::function<void(const model::VersionId&)> wake_up) override {
    wake_up_ = std::move(wake_up);
  }
  // Nothing is distant.
  void on_handed_over(
      std::function<void(const model::VersionId&, const model::Allocation&)> /*use*/) override {}

  // Messages that this process has sent and received.
  std::uint64_t messages() const { return messages_; }

 private:
  friend class MessagingNet;

  struct Search;
  struct Asked {
    std::function<void(bool)> done;  // empty once it was called
    std::size_t publications = 0;    // not acknowledged yet
    std::uint64_t answers_wanted = 0;
    std::uint64_t refusals = 0;
    base::TimerId timer = 0;
  };

  // Of MessagingNet.
  void announced(std::size_t server, const model::VersionId& version);
  void published(std::uint64_t serial, std::uint64_t receivers);
  void answered_coming(std::uint64_t serial, const SimMessaging* maker);
  void answered_no(std::uint64_t serial, std::uint64_t answers);

  void search_on(const std::shared_ptr<Search>& search);
  void refuse_if_all_have(std::uint64_t serial);
  void finish(std::uint64_t serial, bool coming);

  MessagingNet& net_;
  base::EventLoop& loop_;
  messaging::WorkerSubscriber* subscriber_ = nullptr;
  std::function<void(const model::VersionId&)> wake_up_;
  std::vector<bool> cold_announced_;                          // by server, since nothing cold was found there
  std::unordered_map<std::uint64_t, Asked> asked_;            // by serial
  std::unordered_map<std::uint64_t, std::uint64_t> serials_;  // by the dispatcher's ids
  std::uint64_t messages_ = 0;
  bool again_ = false;  // everything is being announced again
  bool lost_ = false;
};

}  // namespace hearth::sim
