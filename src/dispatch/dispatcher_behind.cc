// Short calls in a crowd: the next ones stand behind those that are executed, so that an instance that has
// answered finds work without being woken for it.
#include <algorithm>
#include <utility>

#include "dispatch/call.h"
#include "dispatch/dispatcher.h"

namespace hearth::dispatch {
namespace {

// Instances at work that are looked at for the shortest queue.
constexpr int kLookedAt = 8;
// Calls that an instance gets when it has answered one: two, so that its queue grows where there are enough.
constexpr int kGivenAtOnce = 2;
// How long calls stay behind one on another host, at least: a busy way there and back takes so long at times,
// and whoever is asked back must wait for a turn of their own.
constexpr std::chrono::milliseconds kBehindElsewhere{5};

}  // namespace

bool Dispatcher::may_stand_behind(const Pool& mine, const Call& call) const {
  const bool small = !call.request.body || call.request.body->size() <= model::kBehindBodyBytes;
  // Also behind the only instance there is: the wait for it would be the same, without its call at hand.
  const std::size_t busy = at_work(mine);
  const bool only = mine.idle.empty() && busy > mine.stuck && mine.hot_wait.calls_are_short() &&
                    mine.hot_wait.worth_it(mine.hot_queue.size(), busy, options_.hot_wait_max);
  return small && call.version->concurrency == 1 && options_.hot_wait_max.count() > 0 &&
         (only || crowded(mine, *call.version));
}

// False when the call is to wait here, or be executed elsewhere.
bool Dispatcher::stand_behind(Pool& mine, const CallPtr& call) {
  if (call->was_behind || !mine.hot_queue.empty() || !may_stand_behind(mine, *call)) {
    return false;
  }
  AtWork* shortest = nullptr;
  int looked_at = 0;
  for (AtWork& instance : mine.at_work) {
    if (instance.calls < model::kBehindMost && (shortest == nullptr || instance.calls < shortest->calls)) {
      shortest = &instance;
    }
    if (++looked_at == kLookedAt) {
      break;
    }
  }
  if (shortest == nullptr) {
    return false;
  }
  give_behind(*shortest, call);
  return true;
}

void Dispatcher::give_behind(AtWork& instance, const CallPtr& call) {
  Pool& mine = pool(call->version->id);
  const auto found = std::find_if(mine.at_work.begin(), mine.at_work.end(),
                                  [&](const AtWork& each) { return &each == &instance; });
  call->at = found;
  call->behind = true;
  ++instance.calls;
  call->state = Call::State::kRunning;
  call->admitted = loop_.now();
  ++running_;
  arm_hot_timer(mine, call->version->id, call->admitted + behind_limit(mine));
  link_.execute_behind(instance.allocation, call->request, call);
}

// The instance makes progress: it gets more of those who wait here. Who was taken back once is executed at
// once where it goes next: it may have waited behind a long call, and is not to do so again.
void Dispatcher::next_behind(Pool& mine, AtWork& instance) {
  for (int given = 0; given < kGivenAtOnce && !mine.hot_queue.empty(); ++given) {
    const CallPtr call = mine.hot_queue.front();
    if (instance.calls >= model::kBehindMost || call->was_behind || !may_stand_behind(mine, *call)) {
      return;
    }
    leave_queues(call);
    give_behind(instance, call);
  }
}

// How long an instance may make no progress before those behind are asked back.
base::Duration Dispatcher::behind_limit(const Pool& mine) const {
  const base::Duration limit = mine.hot_wait.crowded_limit(0, 1);
  return options_.instances_here ? limit : std::max<base::Duration>(limit, kBehindElsewhere);
}

// The call is no longer one of those that its instance has been given. `lease`: what came with it; and then
// what is left for others, as those that are on their way use it.
void Dispatcher::left_work(Pool& mine, const CallPtr& call, bool executed,
                           std::optional<model::Allocation>& lease) {
  mine.distant -= std::exchange(call->distant, false) ? 1U : 0U;
  if (!call->at) {
    --mine.busy;
    return;
  }
  const auto instance = *std::exchange(call->at, std::nullopt);
  if (--instance->calls == 0) {
    if (!executed) {
      lease = std::move(instance->lease);
    }
    mine.at_work.erase(instance);
    --mine.busy;
  } else if (executed) {
    instance->lease = std::exchange(lease, std::nullopt);
    if (instance->lease) {
      instance->allocation = *instance->lease;
    }
    instance->since = loop_.now();
    next_behind(mine, *instance);
  }
}

// A call that takes long holds nobody up: those behind it are asked back.
void Dispatcher::take_back_overdue(Pool& mine) {
  const base::TimePoint since = loop_.now() - behind_limit(mine);
  std::vector<model::Allocation> overdue;
  for (const AtWork& instance : mine.at_work) {
    if (instance.calls > 1 && instance.since <= since) {
      overdue.push_back(instance.allocation);
    }
  }
  for (const auto& allocation : overdue) {
    link_.take_back(allocation);
  }
}

}  // namespace hearth::dispatch
