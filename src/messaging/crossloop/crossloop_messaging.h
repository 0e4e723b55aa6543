// The messaging of `hearth serve --threads N`: each loop has its own, with its own worker, and asks the
// others' by message when it has nothing itself.
//
// In the order of what it costs: warm here, warm elsewhere, cold here, memory that is free elsewhere and
// moves here, memory that is made free. An instance is always started here, so memory goes where the calls
// are. A version that is called here again soon after it was warm elsewhere only is started here: with
// traffic of its own a loop has instances of its own, and sends no message for them. Used on its own loop
// only, but for connect().
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/event_loop.h"
#include "messaging/messaging.h"
#include "messaging/sharing_worker.h"

namespace hearth::messaging {

class CrossLoopMessaging final : public Messaging {
 public:
  // `local` answers inside the call.
  CrossLoopMessaging(Messaging& local, base::EventLoop& loop) : local_(local), loop_(loop) {}
  CrossLoopMessaging(const CrossLoopMessaging&) = delete;
  CrossLoopMessaging& operator=(const CrossLoopMessaging&) = delete;

  // `index` is this loop's among all; `others` are asked in their order. Before any loop runs; all outlive
  // all loops' runs. Without it this is `local`.
  void connect(std::uint32_t index, SharingWorker& worker, std::vector<CrossLoopMessaging*> others);

  // Moves so much memory here from another loop, if one has it free. Where none has, one of them has idle
  // instances give way, for who asks again.
  void fetch_memory(std::uint32_t memory_mb);

  void announce_warm(const model::VersionId& version, const model::Allocation& allocation) override {
    local_.announce_warm(version, allocation);
  }
  void announce_cold(const model::Allocation& allocation) override { local_.announce_cold(allocation); }
  void withdraw(const model::VersionId& version, const std::string& instance) override {
    local_.withdraw(version, instance);
  }
  void take(const model::VersionId& version, std::uint32_t memory_mb, Reach reach,
            std::function<void(std::optional<Taken>)> done) override;
  // Here: each loop is told by its own dispatcher.
  void drop_version(const model::VersionId& version) override;
  void demand(const Demand& demand, std::function<void(bool)> done) override;
  void withdraw_demand(std::uint64_t demand_id) override;
  void on_announced(std::function<void(const model::VersionId&)> wake_up) override {
    local_.on_announced(std::move(wake_up));
  }
  void on_handed_over(std::function<void(const model::VersionId&, const model::Allocation&)> use) override {
    use_ = std::move(use);
  }

 private:
  struct Search;
  // One of our demands, and which of the others know of it.
  struct Asked {
    Demand demand;
    std::function<void(bool)> done;  // empty once it was called
    std::vector<bool> known_by;      // of the others, by their place
    bool promised = false;           // somebody said that room is being made
    std::size_t next = 0;            // of the others, to be asked
    std::uint64_t serial = 0;        // a withdrawn demand's id may come again
    base::TimerId timer = 0;
    base::Duration trust{};  // in a promise, before another loop is asked too
  };

  // One of our demands, on its way to another loop and back.
  struct Asking {
    Demand demand;
    std::uint64_t serial = 0;
    std::size_t place = 0;  // of that loop among the others
  };

  std::optional<Taken> take_here(const model::VersionId& version, std::uint32_t memory_mb);
  std::optional<Taken> take_or_offer(const model::VersionId& version, std::uint32_t memory_mb);
  void search_on(const std::shared_ptr<Search>& search);
  void ask_for_warm(const std::shared_ptr<Search>& search, CrossLoopMessaging& other);
  void ask_for_memory(const std::shared_ptr<Search>& search, CrossLoopMessaging& other);
  void fetch_on(std::uint32_t memory_mb, std::size_t asked);
  void ask_next(std::uint64_t demand_id);
  void ask_soon(std::uint64_t demand_id);
  Asked* find_asked(const Asking& asking);
  void answered(const Asking& asking, bool coming);
  bool demand_of(CrossLoopMessaging& asker, const Asking& asking);
  void given(const Asking& asking, const std::optional<model::Allocation>& instance);
  void found_warm_elsewhere(const model::VersionId& version);
  void withdraw_from(std::size_t place, Asked& asked);
  // A demand of this loop's, as other loops' workers know it.
  std::uint64_t distant_id(std::uint64_t demand_id) const;

  Messaging& local_;
  base::EventLoop& loop_;
  std::uint32_t index_ = 0;
  SharingWorker* worker_ = nullptr;
  std::vector<CrossLoopMessaging*> others_;
  std::function<void(const model::VersionId&, const model::Allocation&)> use_;
  std::unordered_map<std::uint64_t, Asked> asked_;  // by our dispatcher's ids
  std::uint64_t last_serial_ = 0;
  bool fetching_ = false;
  std::size_t room_from_ = 0;  // of the others, to be asked next to make room
  std::unordered_map<model::VersionId, base::TimePoint> warm_elsewhere_;  // when it was last found there
};

}  // namespace hearth::messaging
