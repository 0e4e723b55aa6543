#include "sim/messaging_net.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "sim/sim_messaging.h"

namespace hearth::sim {
namespace {

// Measured on Redis 7 with the scripts of messaging/redis, relative to a command of the shortest lists.
constexpr double kEntryOfCommand = 0.027;
constexpr double kDeliveryOfCommand = 0.1;
// Each process looks at each server's epoch so often, and is sent what it says to itself.
constexpr double kLooksASecond = 2;
constexpr double kIdleShareLeast = 0.05;

ServerCosts costs_of(const MessagingSettings& settings, std::uint32_t processes) {
  ServerCosts costs;
  costs.command_us = 1e6 / settings.rate;
  costs.entry_us = costs.command_us * kEntryOfCommand;
  costs.delivery_us = costs.command_us * kDeliveryOfCommand;
  const double looks = kLooksASecond * processes * (costs.command_us + costs.delivery_us) / 1e6;
  costs.idle_share = std::max(kIdleShareLeast, 1.0 - looks);
  return costs;
}

// Rendezvous hashing: each server has a weight for each key, and the heaviest keeps it.
std::uint64_t weight(std::size_t server, std::string_view key) {
  std::uint64_t hash = 0xcbf29ce484222325ULL ^ (server * 0x9e3779b97f4a7c15ULL);
  for (const char c : key) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  hash = (hash ^ (hash >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  return hash ^ (hash >> 27U);
}

}  // namespace

MessagingNet::MessagingNet(const MessagingSettings& settings, std::uint32_t processes, base::EventLoop& loop)
    : settings_(settings), half_(base::Duration(settings.round_trip) / 2), loop_(loop) {
  servers_.assign(settings.servers, MessagingServer(costs_of(settings, processes)));
}

MessagingNet::~MessagingNet() = default;

SimMessaging& MessagingNet::add_gateway() {
  gateways_.push_back(std::make_unique<SimMessaging>(*this, loop_));
  return *gateways_.back();
}

SimMessaging& MessagingNet::add_worker() {
  workers_.push_back(std::make_unique<SimMessaging>(*this, loop_));
  ++workers_known_;
  return *workers_.back();
}

void MessagingNet::charge() {
  for (MessagingServer& server : servers_) {
    server.charge();
  }
}

void MessagingNet::lose(SimMessaging& worker) { worker.lost_ = true; }

std::vector<std::size_t> MessagingNet::order_of(std::string_view key) const {
  std::vector<std::size_t> order(servers_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order,
                           [&](std::size_t a, std::size_t b) { return weight(a, key) > weight(b, key); });
  return order;
}

std::size_t MessagingNet::home_of(std::string_view key) const {
  return servers_.size() == 1 ? 0 : order_of(key).front();
}

std::size_t MessagingNet::announce_listeners() const {
  const bool everybody = settings_.announced_to == AnnouncedTo::kEverybody;
  return gateways_.size() + (everybody ? workers_known_ : 0);
}

void MessagingNet::announce(Command command, const model::VersionId& version,
                            const model::Allocation& allocation) {
  const std::size_t place = home_of(version.empty() ? allocation.instance : version);
  const Work work{servers_[place].walked_by_announce(version), announce_listeners()};
  deliveries_to_workers_ += settings_.announced_to == AnnouncedTo::kEverybody ? workers_known_ : 0;
  loop_.at(servers_[place].admit(command, loop_.now() + half_, work), [this, place, version, allocation] {
    if (version.empty()) {
      servers_[place].cold().push(allocation);
    } else {
      servers_[place].push_warm(version, allocation);
    }
    publish_announced(place, version);
  });
}

void MessagingNet::publish_announced(std::size_t server, const model::VersionId& version) {
  loop_.at(loop_.now() + half_, [this, server, version] {
    for (const auto& gateway : gateways_) {
      gateway->announced(server, version);
    }
  });
}

void MessagingNet::withdraw(const model::VersionId& version, const std::string& instance) {
  const std::size_t place = home_of(version.empty() ? instance : version);
  const Work work{servers_[place].walked_by_announce(version), 0};
  loop_.at(servers_[place].admit(Command::kWithdraw, loop_.now() + half_, work),
           [this, place, version, instance] { servers_[place].withdraw(version, instance); });
}

void MessagingNet::take(std::size_t server, const model::VersionId& version, std::uint32_t memory_mb,
                        OnTaken done) {
  const Work work{servers_[server].walked_by_take(version, memory_mb), 0};
  const base::TimePoint executed = servers_[server].admit(Command::kTake, loop_.now() + half_, work);
  const base::TimePoint deadline = loop_.now() + kCommandDeadline;
  if (executed + half_ > deadline) {
    ++takes_too_late_;
    loop_.at(executed, [this, server, version, memory_mb] { servers_[server].take(version, memory_mb); });
    loop_.at(deadline, [done = std::move(done)] { done(std::nullopt); });
    return;
  }
  loop_.at(executed, [this, server, version, memory_mb, done = std::move(done)] {
    loop_.at(loop_.now() + half_, [done, taken = servers_[server].take(version, memory_mb)] { done(taken); });
  });
}

std::uint64_t MessagingNet::publish_demand(SimMessaging& asker, const messaging::Demand& demand) {
  const std::uint64_t serial = ++last_serial_;
  heard_[serial] = {&asker,
                    {serial, demand.version, demand.memory_mb},
                    2 * static_cast<std::uint32_t>(servers_.size()),
                    false,
                    false,
                    std::nullopt,
                    nullptr};
  const Work work{0, workers_known_};
  for (std::size_t server = 0; server < servers_.size(); ++server) {
    deliveries_to_workers_ += workers_known_;
    loop_.at(servers_[server].admit(Command::kDemand, loop_.now() + half_, work) + half_,
             [this, serial, server] { hear_demand(serial, server); });
  }
  return serial;
}

std::uint64_t MessagingNet::workers_that_answer() const {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(workers_, [](const auto& worker) { return !worker->lost_; }));
}

// It is heard from every server, told to the workers once, and answered on each.
void MessagingNet::hear_demand(std::uint64_t serial, std::size_t server) {
  Heard& heard = heard_.at(serial);
  if (!heard.told && !heard.withdrawn) {
    tell_workers(heard);
  }
  SimMessaging& asker = *heard.asker;
  asker.published(serial, workers_known_);
  const std::uint64_t answers = workers_that_answer();
  const Work work{0, 1};
  const base::Duration spacing = servers_[server].spacing(work);
  const base::TimePoint first =
      servers_[server].admit(Command::kDemandAnswer, loop_.now() + half_, work, answers) + half_;
  if (heard.first_coming) {
    loop_.at(first + static_cast<std::int64_t>(*heard.first_coming) * spacing,
             [&asker, serial, maker = heard.maker] { asker.answered_coming(serial, maker); });
  } else if (answers > 0) {
    loop_.at(first + static_cast<std::int64_t>(answers - 1) * spacing,
             [&asker, serial, answers] { asker.answered_no(serial, answers); });
  }
  if (--heard.publications_left == 0) {
    heard_.erase(serial);
  }
}

void MessagingNet::tell_workers(Heard& heard) {
  heard.told = true;
  std::uint64_t before = 0;
  for (const auto& worker : workers_) {
    if (worker->lost_) {
      continue;
    }
    const bool coming = worker->subscriber_->on_demand(heard.demand);
    if (coming && !heard.first_coming) {
      heard.first_coming = before;
      heard.maker = worker.get();
    }
    ++before;
  }
}

void MessagingNet::publish_withdrawn(std::uint64_t serial) {
  const Work work{0, workers_known_};
  for (MessagingServer& server : servers_) {
    deliveries_to_workers_ += workers_known_;
    loop_.at(server.admit(Command::kDemandWithdrawn, loop_.now() + half_, work) + half_,
             [this, serial] { hear_withdrawn(serial); });
  }
}

void MessagingNet::publish_chosen(std::uint64_t serial, const SimMessaging* maker) {
  const Work work{0, workers_known_};
  base::TimePoint heard = base::TimePoint::max();
  for (MessagingServer& server : servers_) {
    deliveries_to_workers_ += workers_known_;
    heard = std::min(heard, server.admit(Command::kDemandWithdrawn, loop_.now() + half_, work) + half_);
  }
  loop_.at(heard, [this, serial, maker] {
    for (const auto& worker : workers_) {
      if (worker.get() != maker && !worker->lost_) {
        worker->subscriber_->on_demand_withdrawn(serial);
      }
    }
  });
}

void MessagingNet::hear_withdrawn(std::uint64_t serial) {
  Heard& heard = heard_.at(serial);
  const bool first = !std::exchange(heard.withdrawn, true);
  const bool told = heard.told;
  if (--heard.publications_left == 0) {
    heard_.erase(serial);
  }
  if (!first || !told) {
    return;
  }
  for (const auto& worker : workers_) {
    if (!worker->lost_) {
      worker->subscriber_->on_demand_withdrawn(serial);
    }
  }
}

}  // namespace hearth::sim
