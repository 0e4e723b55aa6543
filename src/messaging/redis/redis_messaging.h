// The messaging port between processes, on one Redis server or several that know nothing of each other.
//
// A version's warm stack, and the cold memory of a worker's instance, are on the server that rendezvous
// hashing gives them among those that are up (rendezvous.h); a caller that finds nothing there, and may look
// everywhere, asks the others in the same order. A server that is down is left out, and the workers announce
// again: what the one held is found on the next. With none up every call is answered at once: nothing is
// there, and nothing is kept for later. Loop thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/blocking_pool.h"
#include "base/random.h"
#include "base/reactor.h"
#include "messaging/messaging.h"
#include "messaging/redis/demand_book.h"
#include "messaging/redis/redis_server.h"

namespace hearth::messaging {

// How long workers have to say that they make room.
inline constexpr std::chrono::milliseconds kDemandDeadline{250};

class RedisMessaging final : public Messaging, private RedisServerEvents {
 public:
  struct Settings {
    std::vector<RedisUrl> servers;  // at least one; every process of the platform has the same, in any order
    std::string process;            // a word: this process's name among all that use the servers
  };

  // Everything outlives it. No callback may destroy it; destroying it calls none.
  RedisMessaging(Settings settings, base::Reactor& reactor, base::BlockingPool& pool, base::Random& random);
  RedisMessaging(const RedisMessaging&) = delete;
  RedisMessaging& operator=(const RedisMessaging&) = delete;
  ~RedisMessaging() override;

  // Before open(). `subscriber` outlives this object's use.
  void subscribe(WorkerSubscriber& subscriber) { subscribers_.push_back(&subscriber); }
  // Begins to connect; returns at once. After on_announced(), where somebody is to be woken.
  void open();

  // Servers that take commands, and whose messages are heard.
  std::size_t servers_up() const;

  void announce_warm(const model::VersionId& version, const model::Allocation& allocation) override;
  void announce_cold(const model::Allocation& allocation) override;
  void withdraw(const model::VersionId& version, const std::string& instance) override;
  void take(const model::VersionId& version, std::uint32_t memory_mb, Reach reach,
            std::function<void(std::optional<Taken>)> done) override;
  void drop_version(const model::VersionId& version) override;
  // An asker is told no as soon as every worker has said so, and after kDemandDeadline at the latest. Of
  // those that could make room the first to say so does: for the others the demand is withdrawn.
  void demand(const Demand& demand, std::function<void(bool)> done) override;
  void withdraw_demand(std::uint64_t demand_id) override;
  void on_announced(std::function<void(const model::VersionId&)> wake_up) override {
    wake_up_ = std::move(wake_up);
  }
  // Nothing is distant: every stack is in Redis.
  void on_handed_over(
      std::function<void(const model::VersionId&, const model::Allocation&)> /*use*/) override {}

 private:
  struct Place {
    std::unique_ptr<RedisServer> server;
    bool cold_announced = false;  // since nothing cold was found on it
  };
  struct Search;
  // A demand of ours that stands; its id is the serial number that others know it by.
  struct Asked {
    Demand demand;
    std::function<void(bool)> done;   // empty once it was called
    std::size_t publications = 0;     // not acknowledged yet
    std::int64_t answers_wanted = 0;  // by those that have heard it
    std::int64_t refusals = 0;
    base::TimerId timer = 0;
  };

  void may_have_lost(RedisServer& server) override;
  void went_down(RedisServer& server) override;
  void hears_again(RedisServer& server) override;
  void announced(RedisServer& server, const model::VersionId& version) override;
  void dropped(const model::VersionId& version) override;
  void demanded(RedisServer& server, const PublishedDemand& published) override;
  void demand_withdrawn(const std::string& asker, std::uint64_t serial, const std::string& spared) override;
  void demand_answered(std::uint64_t serial, bool coming, const std::string& by) override;

  std::vector<std::size_t> order_of(const std::string& key) const;
  RedisServer* home_of(const std::string& key);
  void search_on(const std::shared_ptr<Search>& search);
  void publish(std::uint64_t serial);
  void refuse_if_all_have(std::uint64_t serial);
  void finish(std::uint64_t serial, bool coming);
  void ask_workers(DemandBook::Entry& entry, const Demand& demand);
  void announce_again_soon();
  void renew_soon();
  void renew();
  void withdraw_from_workers(std::uint64_t local_id);

  base::Reactor& reactor_;
  const std::string process_;
  std::vector<std::string> names_;  // of the servers
  std::vector<Place> places_;       // in the order of names_
  std::vector<WorkerSubscriber*> subscribers_;
  std::function<void(const model::VersionId&)> wake_up_;
  std::unordered_map<std::uint64_t, Asked> asked_;            // by serial
  std::unordered_map<std::uint64_t, std::uint64_t> serials_;  // by the dispatcher's ids
  std::uint64_t last_serial_;
  DemandBook book_;  // everybody's demands, for our workers
  bool announce_again_posted_ = false;
  base::TimerId renew_timer_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace hearth::messaging
