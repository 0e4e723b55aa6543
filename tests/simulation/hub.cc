#include "tests/simulation/hub.h"

#include <algorithm>
#include <utility>

namespace hearth::simulation {

base::Duration Hub::pause() { return std::chrono::microseconds(50 + dice_.below(1'500)); }

void Hub::there(const ProcessLoop& from, std::function<void()> action) {
  if (from.alive()) {
    loop_.at(loop_.now() + pause(), std::move(action));
  }
}

// A process that comes up later has not heard of it.
void Hub::tell_servers(const model::VersionId& version) {
  for (HubEnd* end : ends_) {
    if (end->wake_up_) {
      end->loop_.later(pause(), [end, version] { end->wake_up_(version); });
    }
  }
}

std::vector<HubEnd*> Hub::worker_ends() const {
  std::vector<HubEnd*> workers;
  std::ranges::copy_if(ends_, std::back_inserter(workers),
                       [](const HubEnd* end) { return end->subscriber_ != nullptr; });
  return workers;
}

HubEnd::HubEnd(Hub& hub, ProcessLoop& loop) : hub_(hub), loop_(loop) { hub_.ends_.push_back(this); }

HubEnd::~HubEnd() {
  std::erase(hub_.ends_, this);
  for (const auto& [id, asked] : asked_) {
    for (HubEnd* worker : hub_.worker_ends()) {
      worker->loop_.later(kDemandLife, [worker, serial = asked.serial] { worker->hear_withdrawn(serial); });
    }
  }
}

void HubEnd::announce_warm(const model::VersionId& version, const model::Allocation& allocation) {
  hub_.there(loop_, [&hub = hub_, version, allocation] {
    hub.server_.push_warm(version, allocation);
    hub.tell_servers(version);
  });
}

void HubEnd::announce_cold(const model::Allocation& allocation) {
  hub_.there(loop_, [&hub = hub_, allocation] {
    hub.server_.cold().push(allocation);
    hub.tell_servers({});
  });
}

void HubEnd::withdraw(const model::VersionId& version, const std::string& instance) {
  hub_.there(loop_, [&hub = hub_, version, instance] { hub.server_.withdraw(version, instance); });
}

void HubEnd::take(const model::VersionId& version, std::uint32_t memory_mb, messaging::Reach /*reach*/,
                  std::function<void(std::optional<messaging::Taken>)> done) {
  hub_.there(loop_, [&hub = hub_, &loop = loop_, version, memory_mb, done = std::move(done)] {
    loop.later(hub.pause(), [done, taken = hub.server_.take(version, memory_mb)] { done(taken); });
  });
}

void HubEnd::drop_version(const model::VersionId& version) {
  hub_.there(loop_, [&hub = hub_, version] {
    hub.server_.drop_version(version);
    for (HubEnd* end : hub.worker_ends()) {
      end->loop_.later(hub.pause(), [end, version] { end->subscriber_->on_version_dropped(version); });
    }
  });
}

void HubEnd::demand(const messaging::Demand& demand, std::function<void(bool)> done) {
  withdraw_demand(demand.id);
  const auto workers = hub_.worker_ends();
  const std::uint64_t serial = ++hub_.last_serial_;
  asked_[demand.id] = {serial, std::move(done), workers.size()};
  for (HubEnd* worker : workers) {
    ask(*worker, demand.id, {serial, demand.version, demand.memory_mb});
  }
  loop_.later(kDemandDeadline, [this, id = demand.id, serial] { finish(id, serial, false); });
}

void HubEnd::ask(HubEnd& worker, std::uint64_t id, const messaging::Demand& demand) {
  worker.loop_.later(hub_.pause(), [this, &asker = loop_, &worker, id, demand] {
    const bool coming = !worker.withdrawn_.contains(demand.id) && worker.subscriber_->on_demand(demand);
    asker.later(worker.hub_.pause(),
                [this, &worker, id, serial = demand.id, coming] { answered(id, serial, coming, &worker); });
  });
}

void HubEnd::answered(std::uint64_t id, std::uint64_t serial, bool coming, const HubEnd* maker) {
  const auto asked = asked_.find(id);
  if (asked == asked_.end() || asked->second.serial != serial || !asked->second.done) {
    return;
  }
  if (coming) {
    withdraw_from_workers(serial, maker);
    finish(id, serial, true);
  } else if (--asked->second.answers_wanted == 0) {
    finish(id, serial, false);
  }
}

// Still it stands, until it is withdrawn.
void HubEnd::finish(std::uint64_t id, std::uint64_t serial, bool coming) {
  const auto asked = asked_.find(id);
  if (asked == asked_.end() || asked->second.serial != serial) {
    return;
  }
  if (const auto done = std::exchange(asked->second.done, nullptr)) {
    done(coming);
  }
}

void HubEnd::withdraw_demand(std::uint64_t demand_id) {
  const auto asked = asked_.extract(demand_id);
  if (!asked.empty()) {
    withdraw_from_workers(asked.mapped().serial, nullptr);
  }
}

void HubEnd::withdraw_from_workers(std::uint64_t serial, const HubEnd* but) {
  for (HubEnd* worker : hub_.worker_ends()) {
    if (worker != but && loop_.alive()) {
      worker->loop_.later(hub_.pause(), [worker, serial] { worker->hear_withdrawn(serial); });
    }
  }
}

// Messages may overtake one another.
void HubEnd::hear_withdrawn(std::uint64_t serial) {
  withdrawn_.insert(serial);
  subscriber_->on_demand_withdrawn(serial);
}

}  // namespace hearth::simulation
