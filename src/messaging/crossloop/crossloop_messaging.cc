#include "messaging/crossloop/crossloop_messaging.h"

#include <utility>

#include "base/bring_back.h"

namespace hearth::messaging {
namespace {

// A version that is called again within it has traffic here, and gets an instance here.
constexpr std::chrono::milliseconds kTraffic{200};
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
                                   warm_elsewhere_[search->version] = loop_.now();
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
  asked_[demand.id] = {demand, std::move(done), 0, 0, ++last_serial_};
  ask_next(demand.id);
}

// Asks one other loop more, until one says that it makes room. When none does, all keep the demand: what
// becomes free anywhere will do.
void CrossLoopMessaging::ask_next(std::uint64_t demand_id) {
  Asked& asked = asked_.at(demand_id);
  if (asked.others == others_.size()) {
    std::exchange(asked.done, nullptr)(false);
    return;
  }
  CrossLoopMessaging& other = *others_[asked.others++];
  auto told = base::bring_back(loop_, std::function([this, demand_id, serial = asked.serial](bool coming) {
                                 answered(demand_id, serial, coming);
                               }));
  other.loop_.post(
      [&other, &asker = *this, demand = asked.demand, told] { told(other.demand_of(asker, demand)); });
}

void CrossLoopMessaging::answered(std::uint64_t demand_id, std::uint64_t serial, bool coming) {
  const auto found = asked_.find(demand_id);
  if (found == asked_.end() || found->second.serial != serial) {
    return;  // withdrawn
  }
  if (!coming) {
    ask_next(demand_id);
    return;
  }
  // Those that said no do not hold back what they have for it.
  withdraw_from_others(found->second, found->second.others - 1);
  std::exchange(found->second.done, nullptr)(true);
}

bool CrossLoopMessaging::demand_of(CrossLoopMessaging& asker, const Demand& demand) {
  Demand distant = demand;
  distant.id = asker.distant_id(demand.id);
  return worker_->on_distant_demand(distant, [&asker, demand](std::optional<model::Allocation> instance) {
    asker.loop_.post([&asker, demand, instance = std::move(instance)] { asker.given(demand, instance); });
  });
}

void CrossLoopMessaging::given(const Demand& demand, const std::optional<model::Allocation>& instance) {
  if (!instance) {
    worker_->take_over(demand.memory_mb);
  } else if (use_) {
    warm_elsewhere_[demand.version] = loop_.now();
    use_(demand.version, *instance);
  }
}

void CrossLoopMessaging::withdraw_demand(std::uint64_t demand_id) {
  local_.withdraw_demand(demand_id);
  const auto found = asked_.find(demand_id);
  if (found != asked_.end()) {
    withdraw_from_others(found->second, found->second.others);
    asked_.erase(found);
  }
}

void CrossLoopMessaging::withdraw_from_others(Asked& asked, std::size_t upto) {
  for (; asked.forget < upto; ++asked.forget) {
    CrossLoopMessaging& other = *others_[asked.forget];
    other.loop_.post([&other, id = distant_id(asked.demand.id)] { other.local_.withdraw_demand(id); });
  }
}

std::uint64_t CrossLoopMessaging::distant_id(std::uint64_t demand_id) const {
  return (std::uint64_t{index_} + 1) << kIndexShift | demand_id;
}

}  // namespace hearth::messaging
