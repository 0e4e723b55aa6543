// What gateways have told a worker to keep started. Each of them says the same, every second or so; what
// nobody says any more runs out, and its instances are ordinary ones again. Pure but for its timer; loop
// thread only.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <vector>

#include "base/event_loop.h"
#include "cluster/provisions.h"

namespace hearth::worker {

// Longer than a gateway takes to be missed, and its restart.
inline constexpr std::chrono::seconds kProvisionLife{15};

class ProvisionBook {
 public:
  // What the worker is to do, and what it has: both outlive this.
  struct Keeper {
    std::function<void(const cluster::ToldProvision&)> keep;
    std::function<std::uint32_t(const model::FunctionId&)> ready;
  };
  // More functions are not kept started.
  static constexpr std::size_t kMost = 16'384;

  ProvisionBook(Keeper keeper, base::EventLoop& loop) : keeper_(std::move(keeper)), loop_(loop) {}
  ProvisionBook(const ProvisionBook&) = delete;
  ProvisionBook& operator=(const ProvisionBook&) = delete;
  ~ProvisionBook() { loop_.cancel(timer_); }

  // The worker hears what is new of it. Who knows an older revision of a function than another said does not
  // count.
  cluster::ReadyCounts told(const std::vector<cluster::ToldProvision>& provisions);

 private:
  struct Entry {
    cluster::ToldProvision provision;
    base::TimePoint until{};
  };

  void take(const cluster::ToldProvision& provision, base::TimePoint until);
  void arm();
  void expire();

  const Keeper keeper_;
  base::EventLoop& loop_;
  std::map<model::FunctionId, Entry> entries_;
  base::TimerId timer_ = 0;
};

}  // namespace hearth::worker
