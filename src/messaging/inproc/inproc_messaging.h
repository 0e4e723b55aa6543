// Messaging within one process: the embedded default of `hearth serve`.
//
// Loop thread only. Everything is synchronous: callbacks run inside the call.
#pragma once

#include <deque>
#include <unordered_map>
#include <vector>

#include "messaging/messaging.h"

namespace hearth::messaging {

class InprocMessaging final : public Messaging {
 public:
  InprocMessaging() = default;
  InprocMessaging(const InprocMessaging&) = delete;
  InprocMessaging& operator=(const InprocMessaging&) = delete;

  // `subscriber` outlives this object's use.
  void subscribe(WorkerSubscriber& subscriber) { subscribers_.push_back(&subscriber); }

  void announce_warm(const model::VersionId& version, const model::Allocation& allocation) override;
  void announce_cold(const model::Allocation& allocation) override;
  void withdraw(const model::VersionId& version, const std::string& instance) override;
  void take(const model::VersionId& version, std::uint32_t memory_mb, Reach reach,
            std::function<void(std::optional<Taken>)> done) override;
  void drop_version(const model::VersionId& version) override;
  void demand(const Demand& demand, std::function<void(bool)> done) override;
  void withdraw_demand(std::uint64_t demand_id) override;
  void on_announced(std::function<void(const model::VersionId&)> wake_up) override {
    wake_up_ = std::move(wake_up);
  }
  // Nothing is distant.
  void on_handed_over(
      std::function<void(const model::VersionId&, const model::Allocation&)> /*use*/) override {}

 private:
  std::optional<Taken> take_now(const model::VersionId& version, std::uint32_t memory_mb);

  std::unordered_map<model::VersionId, std::vector<model::Allocation>> warm_;  // newest last
  std::deque<model::Allocation> cold_;                                         // oldest first
  std::vector<WorkerSubscriber*> subscribers_;
  std::function<void(const model::VersionId&)> wake_up_;
};

}  // namespace hearth::messaging
