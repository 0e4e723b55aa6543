// How many calls of each function run at once, so that there are never more than its maximum, and that what
// others have reserved is kept for them. One for all dispatchers of a process; thread-safe.
//
// Nobody is counted while no function has a limit: that costs a call one look at a flag. A function's calls
// take the capacity of as many instances as they need when each is full; of these as many as it has reserved
// are its own, and those beyond share with everybody what nobody has reserved.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "base/result.h"
#include "dispatch/gateway_share.h"
#include "model/function.h"

namespace hearth::dispatch {

class ConcurrencyBook {
 public:
  ConcurrencyBook() = default;
  ConcurrencyBook(const ConcurrencyBook&) = delete;
  ConcurrencyBook& operator=(const ConcurrencyBook&) = delete;

  // What all workers have for instances, and which part of every limit is admitted here.
  void set_share(GatewayShare share, std::uint64_t capacity_mb);

  // The limits that a function has from now on, and the size of its instances.
  void set(const model::Function& function);
  void forget(const model::FunctionId& function);
  // kInvalidArgument: with these limits more would be reserved than there is.
  base::Result<void> check(const model::Function& function, const model::Concurrency& wanted) const;

  // Whether calls have to ask.
  bool active() const { return active_.load(std::memory_order_relaxed); }
  // Whether one call more is counted, and leaves when it has ended. kExhausted: it would be one too many; the
  // message names the limit.
  base::Result<bool> enter(const model::Version& version);
  // The same of a call that runs already: whatever the limits say.
  bool enter_late(const model::Version& version);
  void leave(const model::FunctionId& function);

  std::uint32_t running(const model::FunctionId& function) const;

  // Until it is known, nothing is kept back for want of it.
  static constexpr std::uint64_t kUnknown = UINT64_MAX;

 private:
  struct Entry {
    model::Concurrency limits;  // of this gateway
    std::uint32_t instance_mb = 0;
    std::uint32_t calls_an_instance = 1;
    std::uint32_t running = 0;
    model::Concurrency whole;  // of all gateways
  };

  bool is_counted(const model::FunctionId& function) const;
  Entry& entry_of(const model::Version& version);
  void change_running(Entry& entry, std::uint32_t running);
  void drop_if_unused(const model::FunctionId& function);
  void count_again();
  std::uint64_t unreserved_mb() const;

  std::atomic<bool> active_ = false;
  mutable std::mutex mutex_;  // guards what follows
  std::uint64_t capacity_mb_ = kUnknown;
  GatewayShare share_;
  std::unordered_map<model::FunctionId, Entry> entries_;  // that have limits, or calls that are counted
  std::uint64_t reserved_mb_ = 0;                         // by all
  std::uint64_t shared_mb_ = 0;                           // in use beyond that
};

}  // namespace hearth::dispatch
