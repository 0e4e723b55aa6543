#include "gateway/change_follower.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace hearth::gateway {
namespace {

// How long a wait for the feed is: the feed looks for itself behind what it is told.
constexpr std::chrono::milliseconds kLook{1'000};
constexpr std::chrono::milliseconds kFirstPause{50};
constexpr std::chrono::milliseconds kLongestPause{1'000};

}  // namespace

ChangeFollower::ChangeFollower(store::ChangeFeed& feed, store::FunctionStore& functions,
                               std::vector<LoopMirror> mirrors)
    : feed_(feed),
      functions_(functions),
      home_(*mirrors.front().loop),
      mirrors_(std::make_shared<FunctionMirrors>(std::move(mirrors))) {}

ChangeFollower::~ChangeFollower() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_one();
  feed_.interrupt();
  if (thread_.joinable()) {
    thread_.join();
  }
}

base::Result<FeedStart> ChangeFollower::look(store::ChangeFeed& feed, store::FunctionStore& functions) {
  const auto position = feed.position();
  if (!position) {
    return position.error();
  }
  auto listed = functions.list();
  if (!listed) {
    return listed.error();
  }
  return FeedStart{*position, std::move(*listed)};
}

void ChangeFollower::start(const FeedStart& from) {
  position_ = from.position;
  for (const model::Function& function : from.functions) {
    ids_.insert(function.id);
  }
  thread_ = std::thread([this] { run(); });
}

void ChangeFollower::run() {
  std::chrono::milliseconds wait{0};  // after a failure
  while (!pause(wait)) {
    auto followed = follow();
    if (!followed && followed.error().code == base::ErrorCode::kGone) {
      spdlog::warn("{}: listing all functions", followed.error().message);
      followed = list_again();
    }
    if (followed) {
      if (wait.count() > 0) {
        spdlog::info("the store's changes are followed again");
      }
      wait = std::chrono::milliseconds(0);
      continue;
    }
    if (wait.count() == 0) {
      spdlog::warn("changes that other servers make are not seen for now: {}", followed.error().message);
    }
    wait = std::clamp(wait * 2, kFirstPause, kLongestPause);
  }
}

// Whether it is time to end.
bool ChangeFollower::pause(std::chrono::milliseconds duration) {
  std::unique_lock lock(mutex_);
  return stop_.wait_for(lock, duration, [this] { return stopping_; });
}

base::Result<void> ChangeFollower::follow() {
  auto changes = feed_.next(position_, kLook);
  if (!changes) {
    return changes.error();
  }
  for (store::FunctionChange& change : *changes) {
    position_ = change.sequence;
    tell(change.id, std::move(change.function));
  }
  return {};
}

base::Result<void> ChangeFollower::list_again() {
  auto now = look(feed_, functions_);
  if (!now) {
    return now.error();
  }
  std::set<model::FunctionId> gone = ids_;
  for (model::Function& function : now->functions) {
    gone.erase(function.id);
    const model::FunctionId id = function.id;
    tell(id, std::move(function));
  }
  for (const model::FunctionId& id : gone) {
    tell(id, std::nullopt);
  }
  position_ = now->position;
  return {};
}

void ChangeFollower::tell(const model::FunctionId& id, std::optional<model::Function> function) {
  if (function) {
    ids_.insert(id);
  } else {
    ids_.erase(id);
  }
  home_.post([mirrors = mirrors_, id,
              shared = function ? std::make_shared<const model::Function>(std::move(*function)) : nullptr] {
    mirrors->synced(id, shared);
  });
}

}  // namespace hearth::gateway
