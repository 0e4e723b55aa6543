// The simulated messaging servers and the way to them: which server keeps what, what a publication reaches,
// and how long each takes. Modelled on messaging/redis. SimMessaging is one process's end of it.
//
// Loop thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/event_loop.h"
#include "messaging/messaging.h"
#include "sim/messaging_server.h"
#include "sim/settings.h"

namespace hearth::sim {

class SimMessaging;

class MessagingNet {
 public:
  // A command that is not answered within this is answered with nothing; what it took is lost until it is
  // announced again.
  static constexpr std::chrono::milliseconds kCommandDeadline{500};

  MessagingNet(const MessagingSettings& settings, std::uint32_t processes, base::EventLoop& loop);
  MessagingNet(const MessagingNet&) = delete;
  MessagingNet& operator=(const MessagingNet&) = delete;
  ~MessagingNet();

  SimMessaging& add_gateway();
  SimMessaging& add_worker();
  // The process is silent from now on; publications still go to it until it is forgotten.
  void lose(SimMessaging& worker);
  void forget_one_worker() { --workers_known_; }
  // Until here no command costs a server any time.
  void charge();

  const std::vector<MessagingServer>& servers() const { return servers_; }
  std::uint64_t deliveries_to_workers() const { return deliveries_to_workers_; }
  std::uint64_t takes_too_late() const { return takes_too_late_; }

 private:
  friend class SimMessaging;

  using OnTaken = std::function<void(std::optional<messaging::Taken>)>;
  // As all workers know a demand: they hear the same.
  struct Heard {
    SimMessaging* asker = nullptr;
    messaging::Demand demand;
    std::uint32_t publications_left = 0;
    bool told = false;
    bool withdrawn = false;
    std::optional<std::uint64_t> first_coming;  // how many of those who answer say no before
    SimMessaging* maker = nullptr;              // the process of who says so first
  };

  // Of SimMessaging.
  void announce(Command command, const model::VersionId& version, const model::Allocation& allocation);
  void withdraw(const model::VersionId& version, const std::string& instance);
  void take(std::size_t server, const model::VersionId& version, std::uint32_t memory_mb, OnTaken done);
  std::uint64_t publish_demand(SimMessaging& asker, const messaging::Demand& demand);
  void publish_withdrawn(std::uint64_t serial);
  // For all workers but those of `maker`.
  void publish_chosen(std::uint64_t serial, const SimMessaging* maker);
  // The servers by their weight for the key.
  std::vector<std::size_t> order_of(std::string_view key) const;

  std::size_t home_of(std::string_view key) const;
  void publish_announced(std::size_t server, const model::VersionId& version);
  void hear_demand(std::uint64_t serial, std::size_t server);
  void tell_workers(Heard& heard);
  void hear_withdrawn(std::uint64_t serial);
  std::uint64_t workers_that_answer() const;
  std::size_t announce_listeners() const;

  const MessagingSettings settings_;
  const base::Duration half_;  // of a round trip
  base::EventLoop& loop_;
  std::vector<MessagingServer> servers_;
  std::vector<std::unique_ptr<SimMessaging>> gateways_;
  std::vector<std::unique_ptr<SimMessaging>> workers_;
  std::unordered_map<std::uint64_t, Heard> heard_;
  std::uint64_t last_serial_ = 0;
  std::size_t workers_known_ = 0;
  std::uint64_t deliveries_to_workers_ = 0;
  std::uint64_t takes_too_late_ = 0;
};

}  // namespace hearth::sim
