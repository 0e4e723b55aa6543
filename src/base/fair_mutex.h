// A mutex that is had in the order in which it was asked for. Whoever unlocks a std::mutex and locks it again
// at once mostly gets it again, for as long as it does so: the others wait without a bound. Any thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace hearth::base {

// As the standard library's lockable types.
class FairMutex {
 public:
  void lock() {
    std::unique_lock lock(mutex_);
    const std::uint64_t turn = next_++;
    changed_.wait(lock, [this, turn] { return serving_ == turn; });
  }
  void unlock() {
    {
      const std::lock_guard lock(mutex_);
      ++serving_;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t next_ = 0;     // guarded by mutex_, as is the other
  std::uint64_t serving_ = 0;  // whose turn it is
};

}  // namespace hearth::base
