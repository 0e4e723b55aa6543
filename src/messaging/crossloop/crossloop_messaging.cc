#include "messaging/crossloop/crossloop_messaging.h"

#include <algorithm>
#include <utility>

#include "base/bring_back.h"

namespace hearth::messaging {
namespace {

// A version that is called again within it has traffic here, and gets an instance here.
constexpr std::chrono::milliseconds kTraffic{200};
// Ids for the worker of demands from other loops: above all of the own dispatcher's.
constexpr std::uint64_t kFirstWaiter = 1ULL << 63U;

}  // namespace

// One take() that was not answered here at once, and the steps that it has left.
struct CrossLoopMessaging::Search {
  struct Step {
    CrossLoopMessaging* where = nullptr;  // null: here
    std::uint32_t memory_mb = kWarmOnly;
  };

  model::VersionId version;
  std::vector<Step> steps;  // the next one last
  std::function<void(std::optional<Taken>)> done;
};

CrossLoopMessaging::CrossLoopMessaging(Messaging& local, base::EventLoop& loop) : local_(local), loop_(loop) {
  local_.on_announced([this](const model::VersionId& version) { announced(version); });
}

CrossLoopMessaging::~CrossLoopMessaging() { local_.on_announced({}); }

// Cold memory belongs to those who wait for it already, on whichever loop; a warm instance does not.
std::optional<Taken> CrossLoopMessaging::take_here(const model::VersionId& version, std::uint32_t memory_mb,
                                                   const CrossLoopMessaging* asker) {
  std::optional<Taken> result;
  const bool reserved = !waiters_.empty() && !waits_here(asker);
  local_.take(version, reserved ? kWarmOnly : memory_mb,
              [&result](std::optional<Taken> taken) { result = std::move(taken); });
  return result;
}

void CrossLoopMessaging::take(const model::VersionId& version, std::uint32_t memory_mb,
                              std::function<void(std::optional<Taken>)> done) {
  auto warm = take_here(version, kWarmOnly, this);
  if (warm || memory_mb == kWarmOnly || others_.empty()) {
    done(warm || memory_mb == kWarmOnly ? std::move(warm) : take_here(version, memory_mb, this));
    return;
  }
  const auto elsewhere = warm_elsewhere_.find(version);
  const bool traffic = elsewhere != warm_elsewhere_.end() && loop_.now() - elsewhere->second < kTraffic;
  if (traffic) {
    if (auto cold = take_here(version, memory_mb, this)) {
      done(std::move(cold));
      return;
    }
  }
  auto search = std::make_shared<Search>();
  search->version = version;
  search->done = std::move(done);
  // From the last step to the first. Here once more at the end: something may have come meanwhile.
  search->steps.push_back({nullptr, memory_mb});
  for (auto other = others_.rbegin(); other != others_.rend(); ++other) {
    search->steps.push_back({*other, memory_mb});
  }
  search->steps.push_back({nullptr, memory_mb});
  for (auto other = others_.rbegin(); other != others_.rend(); ++other) {
    search->steps.push_back({*other, kWarmOnly});
  }
  search_on(search);
}

void CrossLoopMessaging::search_on(const std::shared_ptr<Search>& search) {
  while (!search->steps.empty()) {
    const Search::Step step = search->steps.back();
    search->steps.pop_back();
    if (step.where != nullptr) {
      auto told = base::bring_back(loop_, std::function([this, search](std::optional<Taken> taken) {
                                     found(search, std::move(taken));
                                   }));
      step.where->loop_.post([where = step.where, version = search->version, memory_mb = step.memory_mb,
                              asker = this, told] { told(where->take_here(version, memory_mb, asker)); });
      return;
    }
    if (auto taken = take_here(search->version, step.memory_mb, this)) {
      search->done(std::move(taken));
      return;
    }
  }
  search->done(std::nullopt);
}

void CrossLoopMessaging::found(const std::shared_ptr<Search>& search, std::optional<Taken> taken) {
  if (!taken) {
    search_on(search);
    return;
  }
  if (taken->source == Source::kWarm) {
    warm_elsewhere_[search->version] = loop_.now();
  }
  search->done(std::move(taken));
}

void CrossLoopMessaging::drop_version(const model::VersionId& version) {
  warm_elsewhere_.erase(version);
  local_.drop_version(version);
}

void CrossLoopMessaging::demand(const Demand& demand, std::function<void(bool)> done) {
  bool coming = false;
  local_.demand(demand, [&coming](bool here) { coming = here; });
  if (coming || others_.empty()) {
    done(coming);
    return;
  }
  asked_[demand.id] = {demand, std::move(done), 0, ++last_serial_};
  ask_next(demand.id);
}

// Asks one other loop more, until one says that it makes room. All that were asked keep the demand.
void CrossLoopMessaging::ask_next(std::uint64_t demand_id) {
  Asked& asked = asked_.at(demand_id);
  if (asked.others == others_.size()) {
    std::exchange(asked.done, nullptr)(false);
    return;
  }
  CrossLoopMessaging* other = others_[asked.others++];
  auto told = base::bring_back(loop_, std::function([this, demand_id, serial = asked.serial](bool coming) {
                                 const auto found = asked_.find(demand_id);
                                 if (found == asked_.end() || found->second.serial != serial) {
                                   return;  // withdrawn
                                 }
                                 if (coming) {
                                   std::exchange(found->second.done, nullptr)(true);
                                 } else {
                                   ask_next(demand_id);
                                 }
                               }));
  other->loop_.post(
      [other, asker = this, demand = asked.demand, told] { told(other->demand_of(asker, demand)); });
}

bool CrossLoopMessaging::demand_of(CrossLoopMessaging* asker, const Demand& demand) {
  const std::uint64_t id = kFirstWaiter + ++last_waiter_;
  waiters_.push_back({asker, demand.id, id});
  bool coming = false;
  local_.demand({id, demand.version, demand.memory_mb}, [&coming](bool here) { coming = here; });
  // It may have come between the asker's search and its demand: announced again, it wakes the asker.
  if (auto taken = take_here(demand.version, demand.memory_mb, asker)) {
    coming = true;
    if (taken->source == Source::kWarm) {
      announce_warm(demand.version, taken->allocation);
    } else {
      announce_cold(taken->allocation);
    }
  }
  return coming;
}

void CrossLoopMessaging::withdraw_demand(std::uint64_t demand_id) {
  local_.withdraw_demand(demand_id);
  const auto found = asked_.find(demand_id);
  if (found == asked_.end()) {
    return;
  }
  for (std::size_t i = 0; i < found->second.others; ++i) {
    others_[i]->loop_.post(
        [other = others_[i], asker = this, demand_id] { other->withdraw_demand_of(asker, demand_id); });
  }
  asked_.erase(found);
}

void CrossLoopMessaging::withdraw_demand_of(CrossLoopMessaging* asker, std::uint64_t demand_id) {
  const auto waiter = std::find_if(waiters_.begin(), waiters_.end(), [&](const Waiter& each) {
    return each.asker == asker && each.demand == demand_id;
  });
  if (waiter != waiters_.end()) {
    const std::uint64_t id = waiter->id;
    waiters_.erase(waiter);
    local_.withdraw_demand(id);
  }
}

bool CrossLoopMessaging::waits_here(const CrossLoopMessaging* asker) const {
  return std::any_of(waiters_.begin(), waiters_.end(),
                     [asker](const Waiter& waiter) { return waiter.asker == asker; });
}

void CrossLoopMessaging::announced(const model::VersionId& version) {
  if (wake_up_) {
    wake_up_(version);
  }
  const CrossLoopMessaging* last = nullptr;
  for (const Waiter& waiter : waiters_) {
    if (waiter.asker != last) {  // several demands of one loop mostly stand together
      last = waiter.asker;
      waiter.asker->loop_.post([asker = waiter.asker, version] {
        if (asker->wake_up_) {
          asker->wake_up_(version);
        }
      });
    }
  }
}

}  // namespace hearth::messaging
