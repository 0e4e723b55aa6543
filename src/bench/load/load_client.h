// Keeps calls in flight over non-blocking keep-alive connections: one thread, one epoll loop, a write, a
// read and two looks at the clock a call. A closed loop sends again as soon as an answer is in; an open
// loop sends when calls are due. One thread; run() blocks for the stretch and for what is then in flight.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "bench/load/call_plan.h"
#include "bench/load/caller.h"
#include "bench/load/open_schedule.h"

namespace hearth::bench {

// Which of the generator's threads this is.
struct ThreadPlace {
  std::uint32_t thread = 0;
  std::uint32_t threads = 1;
};

class LoadClient {
 public:
  // `plan` and `stop` outlive it. When `stop` becomes true, run() ends at once and abandons its calls.
  LoadClient(const CallPlan& plan, const std::atomic<bool>& stop, ThreadPlace place);
  LoadClient(const LoadClient&) = delete;
  LoadClient& operator=(const LoadClient&) = delete;

  // Connections stay open for the next run. `sink` may be null.
  LoadCount run(const Stretch& stretch, CallSink* sink);

 private:
  void open_callers(std::uint32_t count);
  void forget_closed();
  void loop();
  bool finished(std::int64_t now_ns) const;
  void wait_and_handle(std::int64_t now_ns);
  std::int64_t wake_at(std::int64_t now_ns) const;
  void handle(Caller& caller, Caller::Event event, std::int64_t now_ns);
  double share_in_time(std::int64_t sent_ns, std::int64_t now_ns) const;
  void on_answer(Caller& caller, std::int64_t now_ns);
  void on_failure(Caller& caller, std::string_view reason, std::int64_t now_ns);
  void on_free(Caller& caller, std::int64_t now_ns);
  void begin_call(Caller& caller, std::int64_t begin_ns, std::int64_t now_ns);
  void send_due(std::int64_t now_ns);
  void tick(std::int64_t now_ns);
  void abandon();
  void count_overdue();
  bool may_begin(std::int64_t now_ns) const;
  void tell(const Caller& caller, FinishedCall& call);

  // What a caller is at.
  struct Slot {
    std::uint32_t request = 0;
    bool busy = false;          // with a call
    std::int64_t pause_ns = 0;  // before it may connect again
    std::int64_t retry_ns = 0;
  };

  const CallPlan& plan_;
  const std::atomic<bool>& stop_;
  const ThreadPlace place_;
  base::UniqueFd epoll_;
  std::vector<char> buffer_;
  std::vector<std::unique_ptr<Caller>> callers_;
  std::vector<Slot> slots_;          // of each caller
  std::vector<std::uint32_t> free_;  // open loop: callers that wait for a call to be due
  std::uint64_t order_at_ = 0;

  // Of the run that is on.
  const Stretch* stretch_ = nullptr;
  CallSink* sink_ = nullptr;
  std::optional<OpenSchedule> schedule_;
  LoadCount count_;
  std::uint32_t wanted_ = 0;
  std::uint32_t in_flight_ = 0;
  std::uint64_t begun_ = 0;
  std::uint64_t allowed_ = 0;
  std::int64_t start_ns_ = 0;
  std::int64_t end_ns_ = 0;
  std::int64_t next_tick_ns_ = 0;
  std::int64_t unix_offset_ms_ = 0;
};

}  // namespace hearth::bench
