#include "messaging/crossloop/crossloop_messaging.h"

#include <algorithm>
#include <utility>

#include "base/bring_back.h"

namespace hearth::messaging {
namespace {

// A version that is called again within it has traffic here, and gets an instance here.
constexpr std::chrono::milliseconds kTraffic{200};
// Versions found warm elsewhere, before those that have no traffic are forgotten.
constexpr std::size_t kVersionsMost = 1'000;
// How long a promise of room is trusted at first before another loop is asked too; then twice as long, and so
// on.
constexpr std::chrono::milliseconds kTrust{20};
// Demands of other loops have ids above any of the own dispatcher's, which count up from 1.
constexpr unsigned kIndexShift = 48;

}  // namespace

// One take() that was not answered here at once: first all others are asked for what is warm, then for
// memory.
struct CrossLoopMessaging::Search {
  model::VersionId version;
  std::uint32_t memory_mb = kWarmOnly;
  std::function<void(std::optional<Taken>)> done;
  std::size_t asked_for_warm = 0;
  std::size_t asked_for_memory = 0;
};

void CrossLoopMessaging::connect(std::uint32_t index, SharingWorker& worker,
                                 std::vector<CrossLoopMessaging*> others) {
  index_ = index;
  worker_ = &worker;
  others_ = std::move(others);
}

std::optional<Taken> CrossLoopMessaging::take_here(const model::VersionId& version, std::uint32_t memory_mb) {
  std::optional<Taken> result;
  local_.take(version, memory_mb, Reach::kHere,
              [&result](std::optional<Taken> taken) { result = std::move(taken); });
  return result;
}

// Memory that is free, but less than the largest function's, is announced when it is asked for.
std::optional<Taken> CrossLoopMessaging::take_or_offer(const model::VersionId& version,
                                                       std::uint32_t memory_mb) {
  auto taken = take_here(version, memory_mb);
  if (!taken && memory_mb != kWarmOnly && worker_->offer(memory_mb)) {
    taken = take_here(version, memory_mb);
  }
  return taken;
}

void CrossLoopMessaging::take(const model::VersionId& version, std::uint32_t memory_mb, Reach reach,
                              std::function<void(std::optional<Taken>)> done) {
  if (reach == Reach::kHere || others_.empty()) {
    done(take_here(version, memory_mb));
    return;
  }
  if (auto warm = take_here(version, kWarmOnly)) {
    done(std::move(warm));
    return;
  }
  const auto elsewhere = warm_elsewhere_.find(version);
  if (elsewhere != warm_elsewhere_.end() && loop_.now() - elsewhere->second < kTraffic) {
    if (auto cold = take_or_offer(version, memory_mb)) {
      done(std::move(cold));
      return;
    }
  }
  search_on(std::make_shared<Search>(Search{version, memory_mb, std::move(done)}));
}

void CrossLoopMessaging::search_on(const std::shared_ptr<Search>& search) {
  if (search->asked_for_warm < others_.size()) {
    ask_for_warm(search, *others_[search->asked_for_warm++]);
    return;
  }
  // Also what has come meanwhile.
  if (auto taken = take_or_offer(search->version, search->memory_mb)) {
    search->done(std::move(taken));
  } else if (search->memory_mb != kWarmOnly && search->asked_for_memory < others_.size()) {
    ask_for_memory(search, *others_[search->asked_for_memory++]);
  } else {
    search->done(std::nullopt);
  }
}

void CrossLoopMessaging::ask_for_warm(const std::shared_ptr<Search>& search, CrossLoopMessaging& other) {
  auto told = base::bring_back(loop_, std::function([this, search](std::optional<model::Allocation> lent) {
                                 if (lent) {
                                   found_warm_elsewhere(search->version);
                                   search->done(Taken{*std::move(lent), Source::kWarm});
                                 } else {
                                   search_on(search);
                                 }
                               }));
  other.loop_.post([&other, version = search->version, told] { told(other.worker_->lend(version)); });
}

void CrossLoopMessaging::ask_for_memory(const std::shared_ptr<Search>& search, CrossLoopMessaging& other) {
  auto told = base::bring_back(loop_, std::function([this, search](bool given) {
                                 if (given) {
                                   worker_->take_over(search->memory_mb);
                                 }
                                 search_on(search);
                               }));
  other.loop_.post(
      [&other, memory_mb = search->memory_mb, told] { told(other.worker_->give_up(memory_mb)); });
}

void CrossLoopMessaging::fetch_memory(std::uint32_t memory_mb) {
  if (!others_.empty() && !std::exchange(fetching_, true)) {
    fetch_on(memory_mb, 0);
  }
}

void CrossLoopMessaging::fetch_on(std::uint32_t memory_mb, std::size_t asked) {
  if (asked == others_.size()) {
    fetching_ = false;
    CrossLoopMessaging& other = *others_[room_from_++ % others_.size()];
    other.loop_.post([&other, memory_mb] { other.worker_->make_room(memory_mb); });
    return;
  }
  auto told = base::bring_back(loop_, std::function([this, memory_mb, asked](bool given) {
                                 if (!given) {
                                   fetch_on(memory_mb, asked + 1);
                                   return;
                                 }
                                 fetching_ = false;
                                 worker_->take_over(memory_mb);
                               }));
  CrossLoopMessaging& other = *others_[asked];
  other.loop_.post([&other, memory_mb, told] { told(other.worker_->give_up(memory_mb)); });
}

void CrossLoopMessaging::drop_version(const model::VersionId& version) {
  warm_elsewhere_.erase(version);
  local_.drop_version(version);
}

void CrossLoopMessaging::demand(const Demand& demand, std::function<void(bool)> done) {
  bool coming = false;
  local_.demand(demand, [&coming](bool here) { coming = here; });
  if (others_.empty()) {
    done(coming);
    return;
  }
  Asked& asked = asked_[demand.id];
  asked = {demand, std::move(done), std::vector<bool>(others_.size()), coming, 0, ++last_serial_, 0, kTrust};
  if (coming) {
    ask_soon(demand.id);
    std::exchange(asked.done, nullptr)(true);
  } else {
    ask_next(demand.id);
  }
}

// Asks one other loop more, until one says that it makes room. When none does, all keep the demand: what
// becomes free anywhere will do.
void CrossLoopMessaging::ask_next(std::uint64_t demand_id) {
  Asked& asked = asked_.at(demand_id);
  while (asked.next < others_.size() && asked.known_by[asked.next]) {
    ++asked.next;
  }
  if (asked.next == others_.size()) {
    if (!asked.promised) {
      std::exchange(asked.done, nullptr)(false);
    }
    return;
  }
  asked.known_by[asked.next] = true;
  CrossLoopMessaging& other = *others_[asked.next];
  const Asking asking{asked.demand, asked.serial, asked.next++};
  auto told =
      base::bring_back(loop_, std::function([this, asking](bool coming) { answered(asking, coming); }));
  other.loop_.post([&other, &asker = *this, asking, told] { told(other.demand_of(asker, asking)); });
}

// What was promised may be used again before it is free, or somebody else may have it, while another loop has
// room: one more is asked then.
void CrossLoopMessaging::ask_soon(std::uint64_t demand_id) {
  Asked& asked = asked_.at(demand_id);
  if (asked.timer != 0 ||
      std::find(asked.known_by.begin(), asked.known_by.end(), false) == asked.known_by.end()) {
    return;  // all know of it
  }
  asked.timer = loop_.at(loop_.now() + std::exchange(asked.trust, 2 * asked.trust), [this, demand_id] {
    Asked& waiting = asked_.at(demand_id);
    waiting.timer = 0;
    waiting.next %= others_.size();
    while (waiting.known_by[waiting.next]) {
      waiting.next = (waiting.next + 1) % others_.size();
    }
    ask_next(demand_id);
  });
}

// Nothing if it was withdrawn meanwhile.
CrossLoopMessaging::Asked* CrossLoopMessaging::find_asked(const Asking& asking) {
  const auto found = asked_.find(asking.demand.id);
  return found != asked_.end() && found->second.serial == asking.serial ? &found->second : nullptr;
}

void CrossLoopMessaging::answered(const Asking& asking, bool coming) {
  Asked* found = find_asked(asking);
  if (found == nullptr) {
    return;
  }
  Asked& asked = *found;
  // Where somebody makes room, those that said no do not hold back what they have for it.
  if (coming && !asked.promised) {
    for (std::size_t place = 0; place < others_.size(); ++place) {
      if (place != asking.place) {
        withdraw_from(place, asked);
      }
    }
  } else if (!coming && asked.promised) {
    withdraw_from(asking.place, asked);
  }
  asked.promised = asked.promised || coming;
  if (!asked.promised) {
    ask_next(asking.demand.id);
    return;
  }
  ask_soon(asking.demand.id);
  if (asked.done) {
    std::exchange(asked.done, nullptr)(true);
  }
}

bool CrossLoopMessaging::demand_of(CrossLoopMessaging& asker, const Asking& asking) {
  Demand distant = asking.demand;
  distant.id = asker.distant_id(distant.id);
  return worker_->on_distant_demand(distant, [&asker, asking](std::optional<model::Allocation> instance) {
    asker.loop_.post([&asker, asking, instance = std::move(instance)] { asker.given(asking, instance); });
  });
}

void CrossLoopMessaging::given(const Asking& asking, const std::optional<model::Allocation>& instance) {
  if (!instance) {
    worker_->take_over(asking.demand.memory_mb);
  } else if (use_) {
    found_warm_elsewhere(asking.demand.version);
    use_(asking.demand.version, *instance);
  }
  // Another of our callers, who has waited longer, may have it: then this one waits on, and nobody there
  // knows.
  if (Asked* asked = find_asked(asking)) {
    asked->known_by[asking.place] = false;
    asked->promised = true;
    ask_soon(asking.demand.id);
  }
}

// With a bound: versions that are deleted are not called again.
void CrossLoopMessaging::found_warm_elsewhere(const model::VersionId& version) {
  const base::TimePoint now = loop_.now();
  if (warm_elsewhere_.size() >= kVersionsMost) {
    std::erase_if(warm_elsewhere_, [now](const auto& entry) { return now - entry.second >= kTraffic; });
  }
  warm_elsewhere_[version] = now;
}

void CrossLoopMessaging::withdraw_demand(std::uint64_t demand_id) {
  local_.withdraw_demand(demand_id);
  const auto found = asked_.find(demand_id);
  if (found == asked_.end()) {
    return;
  }
  loop_.cancel(found->second.timer);
  for (std::size_t place = 0; place < others_.size(); ++place) {
    withdraw_from(place, found->second);
  }
  asked_.erase(found);
}

void CrossLoopMessaging::withdraw_from(std::size_t place, Asked& asked) {
  if (asked.known_by[place]) {
    asked.known_by[place] = false;
    CrossLoopMessaging& other = *others_[place];
    other.loop_.post([&other, id = distant_id(asked.demand.id)] { other.local_.withdraw_demand(id); });
  }
}

std::uint64_t CrossLoopMessaging::distant_id(std::uint64_t demand_id) const {
  return (std::uint64_t{index_} + 1) << kIndexShift | demand_id;
}

}  // namespace hearth::messaging
