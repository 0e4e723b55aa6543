#include "gateway/change_follower.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace hearth::gateway {
namespace {

// How long a wait for the feed is: then its lease is renewed, and the feed looks for itself behind what it is
// told.
constexpr std::chrono::milliseconds kLook = store::kFollowerLease / 4;
// How long the loops have to take a change over; a lease is not renewed for a loop that hangs.
constexpr std::chrono::milliseconds kApply = store::kFollowerLease / 2;
constexpr std::chrono::milliseconds kFirstPause{50};
constexpr std::chrono::milliseconds kLongestPause{200};

void log_lease(LeaseState state) {
  switch (state) {
    case LeaseState::kNotNeeded:
      break;
    case LeaseState::kHeld:
      spdlog::info("the version lease is held again");
      break;
    case LeaseState::kStoreDown:
      spdlog::warn("the store refuses everybody: calls go on with the code that is known here");
      break;
    case LeaseState::kOver:
      spdlog::warn(
          "the version lease is over: newer code may have been acknowledged elsewhere (--without-store)");
      break;
  }
}

}  // namespace

ChangeFollower::ChangeFollower(store::ChangeFeed& feed, store::FunctionStore& functions,
                               std::vector<LoopMirror> mirrors, WithoutStore without_store)
    : feed_(feed),
      functions_(functions),
      home_(*mirrors.front().loop),
      mirrors_(std::make_shared<FunctionMirrors>(std::move(mirrors))),
      without_store_(without_store) {}

ChangeFollower::~ChangeFollower() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
  }
  shared_->changed.notify_one();
  feed_.interrupt();
  if (thread_.joinable()) {
    thread_.join();
    feed_.leave();
  }
}

// Confirmed before the list is read: a change that the list lacks is made by somebody who waits for us.
base::Result<FeedStart> ChangeFollower::join(store::ChangeFeed& feed, store::FunctionStore& functions) {
  const auto position = feed.position();
  if (!position) {
    return position.error();
  }
  const base::BootTime asked = base::BootClock::now();
  if (auto confirmed = feed.confirm(*position); !confirmed) {
    return confirmed.error();
  }
  auto start = list_after(*position, functions);
  if (start) {
    start->asked = asked;
  }
  return start;
}

base::Result<FeedStart> ChangeFollower::list_after(std::uint64_t position, store::FunctionStore& functions) {
  auto listed = functions.list();
  if (!listed) {
    return listed.error();
  }
  return FeedStart{position, std::move(*listed)};
}

void ChangeFollower::start(const FeedStart& from) {
  position_ = from.position;
  shared_->applied = from.position;
  for (const model::Function& function : from.functions) {
    ids_.insert(function.id);
  }
  lease_.joined(from.asked, from.position);
  told_ = lease_.term(without_store_ != WithoutStore::kServe);
  mirrors_->begin_with(told_);
  thread_ = std::thread([this] { run(); });
}

void ChangeFollower::run() {
  std::chrono::milliseconds wait{0};  // after a failure
  while (!pause(wait)) {
    const auto followed =
        wait.count() > 0 && refused() ? base::Error{base::ErrorCode::kUnavailable, {}} : follow_or_list();
    if (!followed && wait.count() == 0) {
      spdlog::warn("changes that other servers make are not seen for now: {}", followed.error().message);
      refused();
    }
    tell_term();
    if (followed && wait.count() > 0) {
      spdlog::info("the store's changes are followed again");
    }
    wait = followed ? std::chrono::milliseconds(0) : std::clamp(wait * 2, kFirstPause, kLongestPause);
  }
}

base::Result<void> ChangeFollower::follow_or_list() {
  auto followed = follow();
  if (!followed && followed.error().code == base::ErrorCode::kGone) {
    spdlog::warn("{}: listing all functions", followed.error().message);
    followed = list_again();
  }
  return followed;
}

// Whether the store refuses everybody: until it does not, there is nothing to follow.
bool ChangeFollower::refused() {
  const base::BootTime asked = base::BootClock::now();
  if (without_store_ != WithoutStore::kAuto || !feed_.refuses_everybody()) {
    return false;
  }
  lease_.refused(asked, base::BootClock::now());
  return true;
}

void ChangeFollower::tell_term() {
  const ServingTerm term = lease_.term(told_.binding);
  if (term != told_) {
    told_ = term;
    mirrors_->serve_until(term);
  }
  const LeaseState state = term.state(base::BootClock::now());
  if (state != logged_) {
    logged_ = state;
    log_lease(state);
  }
}

// Whether it is time to end.
bool ChangeFollower::pause(std::chrono::milliseconds duration) {
  std::unique_lock lock(shared_->mutex);
  return shared_->changed.wait_for(lock, duration, [this] { return shared_->stopping; });
}

// How far the mirrors of all loops have come; waits for them.
std::uint64_t ChangeFollower::applied(std::chrono::milliseconds wait) {
  std::unique_lock lock(shared_->mutex);
  shared_->changed.wait_for(lock, wait,
                            [this] { return shared_->stopping || shared_->applied >= position_; });
  return shared_->applied;
}

base::Result<void> ChangeFollower::follow() {
  // What is to be confirmed soon waits for no further change.
  const bool held = lease_.term(true).state(base::BootClock::now()) == LeaseState::kHeld;
  auto changes = feed_.next(position_, held ? kLook : std::chrono::milliseconds(0));
  if (!changes) {
    return changes.error();
  }
  if (!changes->empty()) {
    position_ = changes->back().sequence;
    tell(std::move(*changes));
  }
  const std::uint64_t position = applied(kApply);
  lease_.applied(position);
  if (position != position_) {
    return {};
  }
  const base::BootTime asked = base::BootClock::now();
  const auto newest = feed_.confirm(position);
  if (!newest) {
    return newest.error();
  }
  lease_.confirmed(asked, *newest);
  return {};
}

// Confirmed by follow(), when the mirrors have it.
base::Result<void> ChangeFollower::list_again() {
  const auto position = feed_.position();
  if (!position) {
    return position.error();
  }
  auto now = list_after(*position, functions_);
  if (!now) {
    return now.error();
  }
  std::vector<store::FunctionChange> changes;
  std::set<model::FunctionId> gone = ids_;
  for (model::Function& function : now->functions) {
    gone.erase(function.id);
    const model::FunctionId id = function.id;
    changes.push_back({now->position, id, std::move(function)});
  }
  for (const model::FunctionId& id : gone) {
    changes.push_back({now->position, id, std::nullopt});
  }
  position_ = now->position;
  tell(std::move(changes));
  return {};
}

void ChangeFollower::tell(std::vector<store::FunctionChange> changes) {
  for (const store::FunctionChange& change : changes) {
    change.function ? void(ids_.insert(change.id)) : void(ids_.erase(change.id));
  }
  const std::function<void()> everywhere = [shared = shared_, position = position_] {
    {
      const std::lock_guard lock(shared->mutex);
      shared->applied = position;
    }
    shared->changed.notify_one();
  };
  if (changes.empty()) {
    everywhere();
    return;
  }
  home_.post([mirrors = mirrors_, everywhere,
              told = std::make_shared<std::vector<store::FunctionChange>>(std::move(changes))] {
    for (store::FunctionChange& change : *told) {
      const auto function =
          change.function ? std::make_shared<const model::Function>(std::move(*change.function)) : nullptr;
      // Each loop hears them in order: where the last has come, all have.
      mirrors->synced(
          change.id, function, &change == &told->back() ? everywhere : [] {});
    }
  });
}

}  // namespace hearth::gateway
