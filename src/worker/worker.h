// The worker: owns the memory and the instances of one host.
//
// It advertises memory on the cold queue, admits executions (it alone does, each epoch once), starts
// an instance on the first and keeps it warm, gives memory up when another function's call needs it,
// and removes what has expired or whose function is gone. Pure: instances, messaging, time and
// randomness are handed in. Loop thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/event_loop.h"
#include "base/random.h"
#include "messaging/messaging.h"
#include "messaging/sharing_worker.h"
#include "model/execution.h"
#include "worker/instance.h"
#include "worker/keep_alive.h"
#include "worker/ledger.h"
#include "worker/prestart_plan.h"
#include "worker/provision_plan.h"
#include "worker/reservation_state.h"

namespace hearth::worker {

struct WorkerOptions {
  std::string uri = "inproc:";                // in every allocation
  std::uint32_t memory_mb = 1'024;            // --memory: what may be promised in all
  std::uint32_t largest_function_mb = 1'024;  // --memory-max: the size of a cold allocation
  KeepAliveOptions keep_alive{};
  bool evict = true;  // --evict: an idle instance gives way to another function's call
  // Dispatchers on other hosts use it, and the demands that it hears are of all of them: instances go to
  // whoever waits, not always back to who has them.
  bool shared = false;
  PrestartOptions prestart;
  // --overcommit: idle instances are charged what they use, and up to so many times the memory is promised.
  double overcommit = 1;
};

struct WorkerSnapshot {
  std::uint32_t total_mb = 0;
  std::uint32_t free_mb = 0;
  std::uint32_t promised_mb = 0;  // in all; more than is charged where idle instances use less
  std::map<ReservationState, std::uint32_t> reservations;  // how many are in each state
  std::map<ReservationState, std::uint32_t> reserved_mb;   // what they are charged
  std::set<model::VersionId> versions;                     // that there are instances of
  std::uint64_t instances_started = 0;
  std::uint64_t instances_prestarted = 0;  // of these, how many a pre-started one was waiting for
  std::uint64_t instances_prewarmed = 0;   // and how many before a call that was expected
  std::uint64_t instances_expired = 0;
  std::uint64_t instances_evicted = 0;
  std::uint64_t executions = 0;          // begun, whether or not they have ended
  std::uint32_t provisioned_wanted = 0;  // instances that are to be kept started, of all functions
  std::uint32_t provisioned_ready = 0;   // of these, those that are loaded

  bool operator==(const WorkerSnapshot&) const = default;
};

class Worker final : public model::Executor,
                     public messaging::WorkerSubscriber,
                     public messaging::SharingWorker,
                     private InstanceEvents {
 public:
  Worker(WorkerOptions options, InstanceFactory& instances, messaging::Messaging& messaging,
         base::EventLoop& loop, base::Random& random);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() override;

  // Begins to advertise memory.
  void open();

  void execute(const model::Allocation& allocation, model::ExecuteRequest request,
               std::shared_ptr<model::ExecutionObserver> observer) override;
  void execute_behind(const model::Allocation& running, model::ExecuteRequest request,
                      std::shared_ptr<model::ExecutionObserver> observer) override;
  void take_back(const model::Allocation& running) override;
  void release(const model::Allocation& lease, model::ReleaseKind kind) override;

  bool on_demand(const messaging::Demand& demand) override;
  void on_demand_withdrawn(std::uint64_t demand_id) override;
  void on_version_dropped(const model::VersionId& version) override;
  void on_announce_again() override;

  bool offer(std::uint32_t memory_mb) override;
  bool give_up(std::uint32_t memory_mb) override;
  void make_room(std::uint32_t memory_mb) override;
  void take_over(std::uint32_t memory_mb) override;
  std::optional<model::Allocation> lend(const model::VersionId& version) override;
  bool on_distant_demand(const messaging::Demand& demand, Give give) override;

  // Keeps so many instances of the version started, instead of what was kept of its function before; those
  // are ordinary ones from now on. Not once it drains.
  void provide(Provision provision);
  // `ask` is called from time to time with what they lack where no memory can come free here: other loops may
  // have it (take_over()).
  void on_short_of_memory(std::function<void(std::uint32_t memory_mb)> ask) { ask_others_ = std::move(ask); }
  // How many of these are loaded, whether or not they are at work.
  std::uint32_t provisioned_ready(const model::FunctionId& function) const;

  // Admits nothing more, lets running executions finish, removes every instance. `done` once nothing is left.
  void drain(std::function<void()> done);
  // Stops what still runs; each such execution ends as kExited.
  void stop_now();

  WorkerSnapshot snapshot() const;
  // total == free + Σ charges; what runs is charged its promise; and Σ promises <= overcommit × total.
  bool ledger_is_exact() const;

 private:
  // One of the executions that a reservation takes at once.
  struct Lane {
    std::uint64_t epoch = 1;
    bool leased = false;
    // The execution under way, or waiting for the start.
    model::ExecuteRequest request;
    std::shared_ptr<model::ExecutionObserver> observer;
  };

  struct Slot {
    Slot(std::string slot_name, Reservation reservation)
        : name(std::move(slot_name)), memory(std::move(reservation)) {}

    std::string name;
    Reservation memory;
    ReservationState state = ReservationState::kCold;
    bool retired = false;  // no longer wanted: removed as soon as it does not execute
    bool lent = false;     // a call on another loop has it
    bool ahead = false;    // starts, and no call waits for it
    bool kept = false;     // one of those that provide() wants: never expired, never evicted
    InstanceKind kind;     // of kPrestarted
    bool booted = false;   // then: it waits for its version
    model::VersionPtr version;
    std::unique_ptr<Instance> instance;
    base::TimePoint loaded_at{};
    base::TimePoint last_used{};
    std::optional<base::TimePoint> pre_warmed_until;  // started for a call that is expected: kept until then
    // As many as the version's concurrency, once it has one. Where that is one, those that follow it are for
    // calls that stand behind the one that is executed: nobody is offered them.
    std::vector<Lane> lanes{1};
    std::uint64_t held_from = 0;              // since this epoch it is one dispatcher's, lease upon lease
    std::uint32_t running = 0;                // lanes that execute, or wait for the start
    std::uint32_t leased = 0;                 // lanes that a dispatcher holds
    std::uint64_t offered_to = 0;             // of kCold: the demand that waits for it; 0: it is for anybody
    std::chrono::microseconds start_cost{0};  // how long it took to start
    std::chrono::microseconds last_run{0};    // how long its last call took; 0 before the first
    model::ExecutionSteps start_steps;
  };

  // How long a caller on another loop waits before the next of its own has to let it go first.
  static constexpr std::chrono::milliseconds kPatience{5};

  // How long an instance that has just finished is left alone, so that its own next call finds it.
  static constexpr std::chrono::milliseconds kEvictionGrace{2};

  // Of several workers that could make room for one caller one does: each waits for so long at least, until
  // it has heard whose offer is taken, and not all for the same time, should that not be heard.
  static constexpr std::chrono::milliseconds kEvictionDelay{3};
  static constexpr std::chrono::milliseconds kEvictionSpread{10};

  // From the end of a start to the boot of the next instance that waits for one.
  static constexpr std::chrono::milliseconds kPrestartRest{10};
  // Of the worker's memory they have at most this part.
  static constexpr std::uint32_t kPrestartShare = 10;
  // Between tries when pre-started instances do not come up: doubled each time, up to the most.
  static constexpr std::chrono::seconds kPrestartPause{1};
  static constexpr std::chrono::seconds kPrestartPauseMost{60};

  // From the end of a provisioned start to the next one, so that calls find the cores free in between.
  static constexpr std::chrono::milliseconds kProvisionRest{10};
  // How often memory for those that found none is looked for, though nothing came free.
  static constexpr std::chrono::milliseconds kProvisionLook{250};

  // A caller that found nothing.
  struct Waiting {
    messaging::Demand demand;
    Give give;  // of a distant one
    base::TimePoint since{};
    base::TimePoint evict_from{};  // other workers hear it too, and one of them may be quicker
  };

  // A function whose next call is expected, and no instance of which is there.
  struct Expected {
    model::VersionPtr version;
    std::string function_name;
    PreWarm window;
    base::TimerId timer = 0;
  };
  static constexpr std::size_t kMostExpected = 4'096;
  // Timers fire at once: so long after one instance for an expected call the next is started.
  static constexpr std::chrono::milliseconds kPreWarmPause{100};

  // InstanceEvents
  void booted(const std::string& instance) override;
  void loaded(const std::string& instance, const model::ExecutionSteps& start_steps) override;
  void start_failed(const std::string& instance, model::Outcome outcome, model::CapturedLogs logs,
                    const model::ExecutionSteps& start_steps) override;
  void finished(const std::string& instance, FinishedCall&& call) override;
  void paused(const std::string& instance, std::uint32_t used_mb) override;
  void ended(const std::string& instance) override;

  Slot* find(const std::string& name);
  static void move(Slot& slot, ReservationEvent event);
  model::Allocation allocation_of(const Slot& slot, std::uint32_t lane = 0) const;
  void advertise();
  void announce_cold_of(std::uint32_t memory_mb, std::uint64_t demand = 0);
  void announce_warm(Slot& slot, std::uint32_t lane);
  static bool offered(const Slot& slot, std::uint32_t lane);
  void assign(Slot& slot);
  void begin(Slot& slot, std::uint32_t lane);
  void invoke(Slot& slot, std::uint32_t lane);
  std::optional<model::Allocation> next_lease(Slot& slot, std::uint32_t lane);
  void not_started(Slot& slot, const FinishedCall& call);
  Slot* find_held(const model::Allocation& running);
  static void set_leased(Slot& slot, std::uint32_t lane, bool leased);
  void remove(Slot& slot);
  void finish_drain_if_empty();

  void serve_demands();
  std::uint32_t memory_in(ReservationState state) const;
  std::uint32_t demanded_mb(base::TimePoint evicting_by = base::TimePoint::max()) const;
  base::TimePoint evict_from();
  bool wanted_elsewhere(const model::VersionId& version, base::Duration patience) const;
  void to_whoever_waits(Slot& slot, std::uint32_t lane);
  void take_leases_back();
  void memory_came_free();
  std::uint32_t owed_mb() const;
  bool evictable(const Slot& slot) const;
  bool gives_way(const Slot& slot) const;
  bool can_resume(const Slot& slot) const;
  void resume(Slot& slot);
  void resume_waiting();
  std::uint32_t room_mb(std::initializer_list<ReservationState> gone) const;
  double expendability(const Slot& slot) const;
  bool evict_least_valuable(base::Duration grace = base::Duration::zero());
  static bool for_anybody(const Slot& slot);
  bool make_free(std::uint32_t memory_mb);
  void hand_over_idle();
  std::deque<Waiting>::iterator distant_for(const model::VersionId& version, base::Duration patience);
  void hand_over(std::deque<Waiting>::iterator waiting, Slot& slot, std::uint32_t lane);
  bool comes_back(const model::VersionId& version, bool lent_only) const;
  bool coming(const messaging::Demand& demand) const;
  void check_demands_soon();

  void check_prestarts();
  void rest_prestarts();
  void give_prestarts_up();
  bool cores_are_busy() const;
  void check_prestarts_at(base::TimePoint when);
  std::uint32_t unused_mb(std::initializer_list<ReservationState> gone) const;
  bool has_room_for(std::uint32_t memory_mb) const;
  void prestart(const InstanceKind& kind);
  PrestartPlan::Counts prestarted() const;
  Slot* find_prestarted(const InstanceKind& kind);
  std::unique_ptr<Instance> start_instance(const Slot& slot);
  std::unique_ptr<Instance> take_prestarted(const InstanceKind& kind);
  bool remove_prestarted(const std::optional<InstanceKind>& kind = std::nullopt);
  void prestart_failed(Slot& slot, const model::Outcome& outcome);

  void arm_expiry();
  void expire_at(base::TimePoint when);
  void expire();
  base::TimePoint kept_until(const Slot& slot, bool only_one) const;
  void expect(const Slot& slot);
  void stop_expecting(const model::VersionId& version);
  void stop_expecting();
  void pre_warm_in_turn(const model::VersionId& version);
  void pre_warm(const model::VersionId& version);
  void loaded_ahead(Slot& slot);
  void ahead_failed(Slot& slot, const model::Outcome& outcome);

  void check_provisions();
  ProvisionPlan::Counts settle_provisions();
  void set_kept(Slot& slot, bool kept);
  static bool stays(const Slot& slot);
  bool provisions_start() const;
  bool make_room_for(const Provision& provision);
  std::uint32_t most_room_mb() const;
  void have_give_way(std::uint32_t memory_mb);
  void ask_others(const Provision& provision);
  void start_provisioned(const Provision& provision, Reservation memory);
  void provisioned_ended(Slot& slot, std::string_view why);
  void check_provisions_at(base::TimePoint when);

  const WorkerOptions options_;
  InstanceFactory& instances_;
  messaging::Messaging& messaging_;
  base::EventLoop& loop_;
  base::Random& random_;
  Ledger ledger_;
  std::unordered_map<std::string, Slot> slots_;
  std::deque<Waiting> demands_;       // oldest first
  std::deque<std::string> resuming_;  // admitted, not yet charged in full; oldest first
  const std::unique_ptr<KeepAlivePolicy> keep_alive_;
  std::map<model::VersionId, Expected> expected_;
  base::TimePoint next_pre_warm_{};
  base::TimerId expiry_timer_ = 0;
  base::TimePoint expiry_at_{};
  base::TimerId demand_timer_ = 0;
  PrestartPlan prestarts_;
  base::TimerId prestart_timer_ = 0;
  base::TimePoint prestart_timer_at_;
  base::TimePoint prestart_from_;  // none is begun before
  std::chrono::seconds prestart_pause_ = kPrestartPause;
  ProvisionPlan provisions_;
  base::TimerId provision_timer_ = 0;
  base::TimePoint provision_timer_at_{};
  base::TimePoint provision_from_{};  // none is begun before
  bool any_kept_ = false;             // when last looked at
  std::function<void(std::uint32_t)> ask_others_;
  base::TimePoint ask_others_from_{};
  bool draining_ = false;
  std::function<void()> drained_;
  std::uint64_t started_ = 0;
  std::uint64_t prestarts_used_ = 0;
  std::uint64_t prewarmed_ = 0;
  std::uint64_t expired_ = 0;
  std::uint64_t evicted_ = 0;
  std::uint64_t executions_ = 0;
};

}  // namespace hearth::worker
