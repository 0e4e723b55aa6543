// The store port for what changed, where several servers share one store: each follows the changes of all,
// its own included, in the order in which they were committed.
//
// A server that follows says how far it has come, and thereby that it lives: whoever makes a change can wait
// until all that live use it. One that says nothing for kFollowerLease is no longer waited for.
//
// Both sides count the lease: who waits, by the store's clock; who follows, by its own, from before it spoke,
// and less kLeaseMargin. A follower whose lease is over may lack what was acknowledged elsewhere.
//
// For one thread that may block; interrupt() and await_followers() from any.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "model/function.h"

namespace hearth::store {

struct FunctionChange {
  std::uint64_t sequence = 0;  // counts up with each change of any function
  model::FunctionId id;
  // As it was when the change was read, so perhaps newer than the change; none: it is gone.
  std::optional<model::Function> function;

  bool operator==(const FunctionChange&) const = default;
};

inline constexpr std::chrono::milliseconds kFollowerLease{2'000};
inline constexpr std::chrono::milliseconds kLeaseMargin{200};
inline constexpr std::chrono::milliseconds kRefusalWait{300};

class ChangeFeed {
 public:
  virtual ~ChangeFeed() = default;
  // The newest change there is. Asked before the functions are listed, nothing is missed between.
  virtual base::Result<std::uint64_t> position() = 0;
  // The changes after that one, oldest first; waits for one for so long, and answers none then. kGone: the
  // changes are no longer kept that far back, or the store is another one: list the functions again.
  virtual base::Result<std::vector<FunctionChange>> next(std::uint64_t after,
                                                         std::chrono::milliseconds timeout) = 0;
  // This server uses all changes up to that one. To be said at least every quarter of kFollowerLease. The
  // newest change there was when the store had heard it: whoever makes a later one waits for this server.
  // kGone: the store is another one.
  virtual base::Result<std::uint64_t> confirm(std::uint64_t position) = 0;
  // This server ends.
  virtual void leave() = 0;
  // Whether the store says of itself that it serves nobody now. Never guessed: false where somebody else may
  // have spoken in its stead, and when nobody answers. Takes kRefusalWait at most, and the look-up of a name.
  virtual bool refuses_everybody() = 0;
  // Until every server that lives uses all changes that are committed now, and the store has served for
  // longer than kFollowerLease: at most a little longer than that. kTimeout after twice that: somebody lives
  // and does not come to use them.
  virtual base::Result<void> await_followers() = 0;
  // A next() that waits returns soon; one that is called later returns without waiting.
  virtual void interrupt() = 0;
};

}  // namespace hearth::store
