// One Redis server as Hearth uses it: warm stacks, a cold queue, and channels between the processes.
//
// Nothing on it is the only copy: the workers announce again what was lost. That something may have been is
// seen by `hearth:epoch`, a random value that every process looks at (kLookEvery): it is gone after FLUSHALL
// or a restart, another one on another server, and changed by a process that asked for an entry and never
// heard which it got. Loop thread only; no call blocks, or keeps anything for later.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/reactor.h"
#include "messaging/messaging.h"
#include "messaging/redis/demand_text.h"
#include "messaging/redis/redis_connection.h"
#include "messaging/redis/scripts.h"

namespace hearth::messaging {

// How often the epoch is looked at, and the subscription is seen to bring messages.
inline constexpr std::chrono::milliseconds kLookEvery{500};
// Everything is announced once more so often, for what a process took and died with.
inline constexpr std::chrono::seconds kAnnounceAgainEvery{60};

class RedisServer;

// What a server tells. Not from inside a call to it, but for what fails at once.
class RedisServerEvents {
 public:
  virtual ~RedisServerEvents() = default;
  // It may have lost what was announced: it has come up, has another epoch, or refused something.
  virtual void may_have_lost(RedisServer& server) = 0;
  virtual void went_down(RedisServer& server) = 0;
  // Messages come through, and may have been missed until now.
  virtual void hears_again(RedisServer& server) = 0;
  virtual void announced(RedisServer& server, const model::VersionId& version) = 0;
  virtual void dropped(const model::VersionId& version) = 0;
  virtual void demanded(RedisServer& server, const PublishedDemand& demand) = 0;
  // `spared`: the process for whose workers it stands still; empty: for none.
  virtual void demand_withdrawn(const std::string& asker, std::uint64_t serial,
                                const std::string& spared) = 0;
  virtual void demand_answered(std::uint64_t serial, bool coming, const std::string& by) = 0;
};

class RedisServer {
 public:
  // `process`: this process's name, a word that no other has. Everything outlives the server.
  RedisServer(base::Reactor& reactor, base::BlockingPool& pool, base::Random& random, const RedisUrl& url,
              std::string process, RedisServerEvents& events);
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;
  ~RedisServer();

  // What is of use to a process: a dispatcher hears what is announced, and a worker what is demanded, as one
  // of those that may answer. Each message to all is one for every process that hears it.
  struct Hears {
    bool announcements = true;
    bool demands = true;
  };
  // Once.
  void open(Hears hears);

  // It takes commands.
  bool up() const { return commands_.up(); }
  // And its messages are heard: an answer to a demand would be.
  bool hears() const { return up() && subscription_.up(); }
  // What all processes call it.
  const std::string& name() const { return name_; }

  void announce_warm(const model::VersionId& version, const model::Allocation& allocation);
  void announce_cold(const model::Allocation& allocation);
  // From the version's stack; from the cold queue when `version` is empty.
  void withdraw(const model::VersionId& version, const std::string& instance);
  // Warm, else cold if `memory_mb` is not kWarmOnly. Nothing, inside the call, when it is not up.
  void take(const model::VersionId& version, std::uint32_t memory_mb,
            std::function<void(std::optional<Taken>)> done);
  void drop_version(const model::VersionId& version);

  // `done`: how many processes with workers hear it; none when it could not be said.
  void publish_demand(const std::string& text, std::function<void(std::int64_t)> done);
  void publish_withdrawn(std::uint64_t serial, const std::string& spared = {});
  // To the process that asked.
  void answer(const std::string& asker, std::uint64_t serial, bool coming);

 private:
  void commands_up();
  void commands_down();
  void heard(std::string_view channel, std::string_view text);
  void heard_answer(std::string_view text);
  void run(Script script, const std::vector<std::string>& keys, const std::vector<std::string>& arguments,
           RedisConnection::OnReply done);
  void publish(const std::string& channel, const std::string& text, RedisConnection::OnReply done);
  void announce(const std::string& list, const model::Allocation& allocation,
                const model::VersionId& version);
  void look_soon();
  void look();
  void looked(const std::string& epoch);
  std::string random_epoch();
  std::string channel(std::string_view name) const;

  base::Reactor& reactor_;
  base::Random& random_;
  const std::string name_;
  const std::string process_;
  const std::string channels_;  // what every channel's name begins with
  RedisServerEvents& events_;
  RedisConnection commands_;
  RedisConnection subscription_;
  std::array<std::string, kScripts.size()> digests_;  // as Redis calls the scripts; empty: not known yet
  std::string epoch_;                                 // as last seen
  bool lost_ = true;                                  // something may have been, and nobody was told yet
  bool renew_ = false;              // so that every process is told: what was taken may not have arrived
  base::TimePoint told_at_{};       // may_have_lost()
  std::uint64_t last_look_ = 0;     // serial numbers of looks
  std::uint64_t awaited_look_ = 0;  // published, and to be heard before the next look; 0: none
  std::uint64_t heard_look_ = 0;
  base::TimerId look_timer_ = 0;
};

}  // namespace hearth::messaging
