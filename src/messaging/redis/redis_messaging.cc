#include "messaging/redis/redis_messaging.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "messaging/redis/rendezvous.h"

namespace hearth::messaging {
namespace {

// A process that is started again under its name continues its numbers nowhere near those that it had.
std::uint64_t random_serial(base::Random& random) {
  std::array<std::uint8_t, sizeof(std::uint64_t)> bytes;
  random.fill(bytes);
  std::uint64_t serial = 0;
  std::memcpy(&serial, bytes.data(), bytes.size());
  return serial >> 1U;
}

}  // namespace

// One take(), from server to server.
struct RedisMessaging::Search {
  model::VersionId version;
  std::uint32_t memory_mb = 0;
  std::vector<std::size_t> places;  // to be asked, in this order
  std::size_t next = 0;
  std::function<void(std::optional<Taken>)> done;
};

RedisMessaging::RedisMessaging(Settings settings, base::Reactor& reactor, base::BlockingPool& pool,
                               base::Random& random)
    : reactor_(reactor), process_(std::move(settings.process)), last_serial_(random_serial(random)) {
  assert(!settings.servers.empty());
  RedisServerEvents& events = *this;
  for (const RedisUrl& url : settings.servers) {
    places_.push_back({std::make_unique<RedisServer>(reactor, pool, random, url, process_, events), false});
    names_.push_back(places_.back().server->name());
  }
}

RedisMessaging::~RedisMessaging() {
  reactor_.cancel(renew_timer_);
  for (const auto& [serial, asked] : asked_) {
    reactor_.cancel(asked.timer);
  }
}

void RedisMessaging::open() {
  for (const Place& place : places_) {
    place.server->open({.announcements = wake_up_ != nullptr, .demands = !subscribers_.empty()});
  }
  renew_soon();
}

std::size_t RedisMessaging::servers_up() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(places_, [](const Place& place) { return place.server->hears(); }));
}

// The servers that are up, by their weight for the key.
std::vector<std::size_t> RedisMessaging::order_of(const std::string& key) const {
  auto order = rendezvous_order(names_, key);
  std::erase_if(order, [this](std::size_t place) { return !places_[place].server->up(); });
  return order;
}

RedisServer* RedisMessaging::home_of(const std::string& key) {
  const auto order = order_of(key);
  return order.empty() ? nullptr : places_[order.front()].server.get();
}

void RedisMessaging::announce_warm(const model::VersionId& version, const model::Allocation& allocation) {
  if (RedisServer* home = home_of(version)) {
    home->announce_warm(version, allocation);
  }
}

void RedisMessaging::announce_cold(const model::Allocation& allocation) {
  if (RedisServer* home = home_of(allocation.instance)) {
    home->announce_cold(allocation);
  }
}

void RedisMessaging::withdraw(const model::VersionId& version, const std::string& instance) {
  if (RedisServer* home = home_of(version.empty() ? instance : version)) {
    home->withdraw(version, instance);
  }
}

void RedisMessaging::take(const model::VersionId& version, std::uint32_t memory_mb, Reach reach,
                          std::function<void(std::optional<Taken>)> done) {
  auto search = std::make_shared<Search>();
  search->version = version;
  search->memory_mb = memory_mb;
  search->done = std::move(done);
  // Cold memory that was just announced on another server is as near as the version's own.
  for (const std::size_t place : order_of(version)) {
    const bool nearby =
        memory_mb != kWarmOnly && (reach == Reach::kEverywhere || places_[place].cold_announced);
    if (search->places.empty() || nearby) {
      search->places.push_back(place);
    }
  }
  search_on(search);
}

void RedisMessaging::search_on(const std::shared_ptr<Search>& search) {
  if (search->next == search->places.size()) {
    search->done(std::nullopt);
    return;
  }
  Place& place = places_[search->places[search->next++]];
  place.server->take(search->version, search->memory_mb, [this, search, &place](std::optional<Taken> taken) {
    if (taken) {
      search->done(std::move(taken));
      return;
    }
    place.cold_announced = place.cold_announced && search->memory_mb == kWarmOnly;
    search_on(search);
  });
}

void RedisMessaging::drop_version(const model::VersionId& version) {
  if (RedisServer* home = home_of(version)) {
    home->drop_version(version);
  } else {
    dropped(version);  // our own workers need no server for that
  }
}

void RedisMessaging::demand(const Demand& demand, std::function<void(bool)> done) {
  withdraw_demand(demand.id);
  if (servers_up() == 0 || asked_.size() >= DemandBook::kMost) {
    done(false);
    return;
  }
  const std::uint64_t serial = ++last_serial_;
  serials_[demand.id] = serial;
  Asked& asked = asked_[serial];
  asked.demand = demand;
  asked.done = std::move(done);
  asked.timer = reactor_.at(reactor_.now() + kDemandDeadline, [this, serial] { finish(serial, false); });
  asked.publications = servers_up();
  publish(serial);
}

void RedisMessaging::publish(std::uint64_t serial) {
  Demand demand = asked_.at(serial).demand;
  demand.id = serial;
  const std::string text = to_text(PublishedDemand{true, process_, demand});
  for (const Place& place : places_) {
    if (!place.server->hears()) {
      continue;
    }
    place.server->publish_demand(text, [this, serial](std::int64_t receivers) {
      if (const auto asked = asked_.find(serial); asked != asked_.end()) {
        --asked->second.publications;
        asked->second.answers_wanted += receivers;
        refuse_if_all_have(serial);
      }
    });
  }
}

void RedisMessaging::demand_answered(std::uint64_t serial, bool coming, const std::string& by) {
  const auto asked = asked_.find(serial);
  if (asked == asked_.end() || !asked->second.done) {
    return;
  }
  if (coming) {
    for (const Place& place : places_) {
      place.server->publish_withdrawn(serial, by);
    }
    finish(serial, true);
    return;
  }
  ++asked->second.refusals;
  refuse_if_all_have(serial);
}

void RedisMessaging::refuse_if_all_have(std::uint64_t serial) {
  const Asked& asked = asked_.at(serial);
  if (asked.publications == 0 && asked.refusals >= asked.answers_wanted) {
    finish(serial, false);
  }
}

// Still it stands, until it is withdrawn.
void RedisMessaging::finish(std::uint64_t serial, bool coming) {
  const auto asked = asked_.find(serial);
  if (asked == asked_.end()) {
    return;
  }
  reactor_.cancel(std::exchange(asked->second.timer, 0));
  if (const auto done = std::exchange(asked->second.done, nullptr)) {
    done(coming);
  }
}

void RedisMessaging::withdraw_demand(std::uint64_t demand_id) {
  const auto serial = serials_.extract(demand_id);
  if (serial.empty()) {
    return;
  }
  const auto asked = asked_.extract(serial.mapped());
  reactor_.cancel(asked.mapped().timer);
  for (const Place& place : places_) {
    place.server->publish_withdrawn(serial.mapped());
  }
}

void RedisMessaging::may_have_lost(RedisServer& /*server*/) { announce_again_soon(); }

void RedisMessaging::went_down(RedisServer& /*server*/) { announce_again_soon(); }

// All that has happened in one turn is one reason.
void RedisMessaging::announce_again_soon() {
  if (std::exchange(announce_again_posted_, true)) {
    return;
  }
  reactor_.post([this, weak = std::weak_ptr<bool>(alive_)] {
    if (weak.expired()) {
      return;
    }
    announce_again_posted_ = false;
    if (std::ranges::none_of(places_, [](const Place& place) { return place.server->up(); })) {
      return;
    }
    for (WorkerSubscriber* subscriber : subscribers_) {
      subscriber->on_announce_again();
    }
  });
}

// What our callers wait for may have been announced unheard.
void RedisMessaging::hears_again(RedisServer& server) {
  std::vector<model::VersionId> versions{{}};
  for (const auto& [serial, asked] : asked_) {
    versions.push_back(asked.demand.version);
  }
  for (const model::VersionId& version : versions) {
    announced(server, version);
  }
}

void RedisMessaging::announced(RedisServer& server, const model::VersionId& version) {
  if (version.empty()) {
    std::ranges::find(places_, &server, [](const Place& place) {
      return place.server.get();
    })->cold_announced = true;
  }
  if (wake_up_) {
    wake_up_(version);
  }
}

void RedisMessaging::dropped(const model::VersionId& version) {
  for (WorkerSubscriber* subscriber : subscribers_) {
    subscriber->on_version_dropped(version);
  }
}

void RedisMessaging::demanded(RedisServer& server, const PublishedDemand& published) {
  bool first = false;
  DemandBook::Entry* entry = book_.heard(published.asker, published.demand.id, reactor_.now(), first);
  if (entry != nullptr && first) {
    ask_workers(*entry, published.demand);
  }
  if (published.is_new) {
    server.answer(published.asker, published.demand.id, entry != nullptr && entry->coming);
  }
}

void RedisMessaging::ask_workers(DemandBook::Entry& entry, const Demand& demand) {
  const Demand local{entry.local_id, demand.version, demand.memory_mb};
  entry.coming = std::ranges::any_of(
      subscribers_, [&](WorkerSubscriber* subscriber) { return subscriber->on_demand(local); });
}

void RedisMessaging::demand_withdrawn(const std::string& asker, std::uint64_t serial,
                                      const std::string& spared) {
  if (spared == process_) {
    return;
  }
  if (const auto local_id = book_.withdraw(asker, serial, reactor_.now())) {
    withdraw_from_workers(*local_id);
  }
}

void RedisMessaging::withdraw_from_workers(std::uint64_t local_id) {
  for (WorkerSubscriber* subscriber : subscribers_) {
    subscriber->on_demand_withdrawn(local_id);
  }
}

void RedisMessaging::renew_soon() {
  renew_timer_ = reactor_.at(reactor_.now() + kLookEvery, [this] {
    renew_soon();
    renew();
  });
}

// Says which demands of ours still stand, and forgets those whose askers do not.
void RedisMessaging::renew() {
  for (const std::uint64_t local_id : book_.expire(reactor_.now())) {
    withdraw_from_workers(local_id);
  }
  std::string text;
  for (const auto& [serial, asked] : asked_) {
    text += to_text(PublishedDemand{false, process_, {serial, asked.demand.version, asked.demand.memory_mb}});
  }
  for (const Place& place : places_) {
    if (!text.empty() && place.server->hears()) {
      place.server->publish_demand(text, [](std::int64_t) {});
    }
  }
}

}  // namespace hearth::messaging
