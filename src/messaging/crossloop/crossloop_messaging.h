// The messaging of `hearth serve --threads N`: each loop has its own, with its own worker, and asks the
// others' by message when it has nothing itself.
//
// In the order of what it costs: warm here, warm elsewhere, cold here, cold elsewhere. A version that is
// called here again soon after it was warm elsewhere only is started here: with traffic of its own a loop has
// instances of its own, and sends no message for them, as long as it has cold memory to start them in: memory
// that is free but less than the largest function's is offered on demand only, after the others'. Used on its
// own loop only, but for connect().
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/event_loop.h"
#include "messaging/messaging.h"

namespace hearth::messaging {

class CrossLoopMessaging final : public Messaging {
 public:
  // `local` answers inside the call, and its wake-ups are this object's.
  CrossLoopMessaging(Messaging& local, base::EventLoop& loop);
  CrossLoopMessaging(const CrossLoopMessaging&) = delete;
  CrossLoopMessaging& operator=(const CrossLoopMessaging&) = delete;
  ~CrossLoopMessaging() override;

  // The other loops', in the order in which they are asked. Before any loop runs; all outlive all loops'
  // runs.
  void connect(std::vector<CrossLoopMessaging*> others) { others_ = std::move(others); }

  void announce_warm(const model::VersionId& version, const model::Allocation& allocation) override {
    local_.announce_warm(version, allocation);
  }
  void announce_cold(const model::Allocation& allocation) override { local_.announce_cold(allocation); }
  void withdraw(const model::VersionId& version, const std::string& instance) override {
    local_.withdraw(version, instance);
  }
  void take(const model::VersionId& version, std::uint32_t memory_mb,
            std::function<void(std::optional<Taken>)> done) override;
  // Here: each loop is told by its own dispatcher.
  void drop_version(const model::VersionId& version) override;
  void demand(const Demand& demand, std::function<void(bool)> done) override;
  void withdraw_demand(std::uint64_t demand_id) override;
  void on_announced(std::function<void(const model::VersionId&)> wake_up) override {
    wake_up_ = std::move(wake_up);
  }

 private:
  struct Search;
  // One of our demands, and which of the others know of it.
  struct Asked {
    Demand demand;
    std::function<void(bool)> done;
    std::size_t others = 0;
    std::uint64_t serial = 0;  // a withdrawn demand's id may come again
  };
  // A demand of another loop's.
  struct Waiter {
    CrossLoopMessaging* asker = nullptr;
    std::uint64_t demand = 0;  // the asker's id
    std::uint64_t id = 0;      // ours, for the worker
  };

  std::optional<Taken> take_here(const model::VersionId& version, std::uint32_t memory_mb,
                                 const CrossLoopMessaging* asker);
  void search_on(const std::shared_ptr<Search>& search);
  void found(const std::shared_ptr<Search>& search, std::optional<Taken> taken);
  void ask_next(std::uint64_t demand_id);
  bool demand_of(CrossLoopMessaging* asker, const Demand& demand);
  void withdraw_demand_of(CrossLoopMessaging* asker, std::uint64_t demand_id);
  bool waits_here(const CrossLoopMessaging* asker) const;
  void announced(const model::VersionId& version);

  Messaging& local_;
  base::EventLoop& loop_;
  std::vector<CrossLoopMessaging*> others_;
  std::function<void(const model::VersionId&)> wake_up_;
  std::unordered_map<std::uint64_t, Asked> asked_;  // by our dispatcher's ids
  std::uint64_t last_serial_ = 0;
  std::vector<Waiter> waiters_;
  std::uint64_t last_waiter_ = 0;
  std::unordered_map<model::VersionId, base::TimePoint> warm_elsewhere_;  // when it was last found there
};

}  // namespace hearth::messaging
