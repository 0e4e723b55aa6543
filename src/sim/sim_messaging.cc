#include "sim/sim_messaging.h"

#include <utility>

namespace hearth::sim {

// One take(), from server to server.
struct SimMessaging::Search {
  model::VersionId version;
  std::uint32_t memory_mb = 0;
  std::vector<std::size_t> places;  // to be asked, in this order
  std::size_t next = 0;
  std::function<void(std::optional<messaging::Taken>)> done;
};

SimMessaging::SimMessaging(MessagingNet& net, base::EventLoop& loop)
    : net_(net), loop_(loop), cold_announced_(net.servers_.size(), false) {}

SimMessaging::~SimMessaging() = default;

void SimMessaging::announce_again() {
  if (!lost_) {
    again_ = true;
    subscriber_->on_announce_again();
    again_ = false;
  }
}

void SimMessaging::announce_warm(const model::VersionId& version, const model::Allocation& allocation) {
  if (!lost_) {
    ++messages_;
    net_.announce(again_ ? Command::kAnnounceAgain : Command::kAnnounceWarm, version, allocation);
  }
}

void SimMessaging::announce_cold(const model::Allocation& allocation) {
  if (!lost_) {
    ++messages_;
    net_.announce(again_ ? Command::kAnnounceAgain : Command::kAnnounceCold, {}, allocation);
  }
}

void SimMessaging::withdraw(const model::VersionId& version, const std::string& instance) {
  if (!lost_) {
    ++messages_;
    net_.withdraw(version, instance);
  }
}

void SimMessaging::take(const model::VersionId& version, std::uint32_t memory_mb, messaging::Reach reach,
                        std::function<void(std::optional<messaging::Taken>)> done) {
  auto search = std::make_shared<Search>();
  search->version = version;
  search->memory_mb = memory_mb;
  search->done = std::move(done);
  for (const std::size_t place : net_.order_of(version)) {
    const bool nearby = memory_mb != messaging::kWarmOnly &&
                        (reach == messaging::Reach::kEverywhere || cold_announced_[place]);
    if (search->places.empty() || nearby) {
      search->places.push_back(place);
    }
  }
  search_on(search);
}

void SimMessaging::search_on(const std::shared_ptr<Search>& search) {
  if (search->next == search->places.size()) {
    search->done(std::nullopt);
    return;
  }
  const std::size_t place = search->places[search->next++];
  messages_ += 2;  // with the answer
  net_.take(place, search->version, search->memory_mb,
            [this, search, place](std::optional<messaging::Taken> taken) {
              if (taken) {
                search->done(std::move(taken));
                return;
              }
              cold_announced_[place] = cold_announced_[place] && search->memory_mb == messaging::kWarmOnly;
              search_on(search);
            });
}

void SimMessaging::drop_version(const model::VersionId& /*version*/) {}

void SimMessaging::announced(std::size_t server, const model::VersionId& version) {
  ++messages_;
  if (version.empty()) {
    cold_announced_[server] = true;
  }
  if (wake_up_) {
    wake_up_(version);
  }
}

void SimMessaging::demand(const messaging::Demand& demand, std::function<void(bool)> done) {
  withdraw_demand(demand.id);
  const std::uint64_t serial = net_.publish_demand(*this, demand);
  messages_ += net_.servers_.size();
  serials_[demand.id] = serial;
  Asked& asked = asked_[serial];
  asked.done = std::move(done);
  asked.publications = net_.servers_.size();
  asked.timer = loop_.at(loop_.now() + kDemandDeadline, [this, serial] { finish(serial, false); });
}

void SimMessaging::withdraw_demand(std::uint64_t demand_id) {
  const auto serial = serials_.extract(demand_id);
  if (serial.empty()) {
    return;
  }
  const auto asked = asked_.extract(serial.mapped());
  loop_.cancel(asked.mapped().timer);
  messages_ += net_.servers_.size();
  net_.publish_withdrawn(serial.mapped());
}

void SimMessaging::published(std::uint64_t serial, std::uint64_t receivers) {
  if (const auto asked = asked_.find(serial); asked != asked_.end()) {
    --asked->second.publications;
    asked->second.answers_wanted += receivers;
    refuse_if_all_have(serial);
  }
}

void SimMessaging::answered_coming(std::uint64_t serial, const SimMessaging* maker) {
  ++messages_;
  const auto asked = asked_.find(serial);
  if (asked == asked_.end() || !asked->second.done) {
    return;
  }
  messages_ += net_.servers_.size();
  net_.publish_chosen(serial, maker);
  finish(serial, true);
}

void SimMessaging::answered_no(std::uint64_t serial, std::uint64_t answers) {
  messages_ += answers;
  if (const auto asked = asked_.find(serial); asked != asked_.end()) {
    asked->second.refusals += answers;
    refuse_if_all_have(serial);
  }
}

void SimMessaging::refuse_if_all_have(std::uint64_t serial) {
  const Asked& asked = asked_.at(serial);
  if (asked.publications == 0 && asked.refusals >= asked.answers_wanted) {
    finish(serial, false);
  }
}

// Still it stands, until it is withdrawn.
void SimMessaging::finish(std::uint64_t serial, bool coming) {
  const auto asked = asked_.find(serial);
  if (asked == asked_.end()) {
    return;
  }
  loop_.cancel(std::exchange(asked->second.timer, 0));
  if (const auto done = std::exchange(asked->second.done, nullptr)) {
    done(coming);
  }
}

}  // namespace hearth::sim
