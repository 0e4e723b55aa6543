// Follows the change feed of a store that several servers share, and tells this server's mirrors what it
// holds.
//
// Made and ended on the loop of the first mirror, which outlives it; a thread of its own waits for the feed.
// While the store cannot be reached nothing is told; afterwards all that changed meanwhile is. Until when
// calls may go on with what the mirrors know meanwhile, they are told too (version_lease.h).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "base/boot_clock.h"
#include "gateway/function_changes.h"
#include "gateway/version_lease.h"
#include "store/change_feed.h"
#include "store/function_store.h"

namespace hearth::gateway {

// Where a server begins: the feed's position, and what was listed after it had been asked for.
struct FeedStart {
  std::uint64_t position = 0;
  std::vector<model::Function> functions;
  base::BootTime asked = base::BootTime::min();  // a time before the position was confirmed
};

// --without-store: whether calls go on when the version lease has run out.
enum class WithoutStore {
  kAuto,    // while the store refuses everybody
  kRefuse,  // never
  kServe,   // always, at the risk of code that is older than what was acknowledged elsewhere
};

class ChangeFollower {
 public:
  // `feed` and `functions` outlive the follower.
  ChangeFollower(store::ChangeFeed& feed, store::FunctionStore& functions, std::vector<LoopMirror> mirrors,
                 WithoutStore without_store = WithoutStore::kAuto);
  ChangeFollower(const ChangeFollower&) = delete;
  ChangeFollower& operator=(const ChangeFollower&) = delete;
  ~ChangeFollower();

  // What a server that does not serve yet begins with. From here on it is waited for by those that change
  // something.
  static base::Result<FeedStart> join(store::ChangeFeed& feed, store::FunctionStore& functions);
  // Once, before any loop runs.
  void start(const FeedStart& from);

 private:
  // What the loop tells the thread, and the end.
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::uint64_t applied = 0;  // the mirrors of all loops have every change up to it
    bool stopping = false;
  };

  static base::Result<FeedStart> list_after(std::uint64_t position, store::FunctionStore& functions);
  void run();
  base::Result<void> follow_or_list();
  base::Result<void> follow();
  base::Result<void> list_again();
  bool refused();
  void tell_term();
  void tell(std::vector<store::FunctionChange> changes);
  bool pause(std::chrono::milliseconds duration);
  std::uint64_t applied(std::chrono::milliseconds wait);

  store::ChangeFeed& feed_;
  store::FunctionStore& functions_;
  base::EventLoop& home_;
  const std::shared_ptr<FunctionMirrors> mirrors_;
  const WithoutStore without_store_;
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::uint64_t position_ = 0;       // of the thread's, like what follows
  std::set<model::FunctionId> ids_;  // that the mirrors have
  VersionLease lease_;
  ServingTerm told_;
  LeaseState logged_ = LeaseState::kHeld;
  std::thread thread_;
};

}  // namespace hearth::gateway
