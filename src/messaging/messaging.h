// The messaging port: a warm stack for each version, one cold queue, wake-ups, and the demand of
// callers that found neither. Fast, holding nothing that the workers cannot announce again.
//
// Loop thread only. Entries are hints: one may be stale when it is taken, the worker refuses it and
// the taker drops it. Callbacks may run inside the call.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "model/allocation.h"
#include "model/function.h"

namespace hearth::messaging {

enum class Source { kWarm, kCold };

// As the memory asked of take(): no cold entry will do.
inline constexpr std::uint32_t kWarmOnly = UINT32_MAX;

// How far take() looks: only where it costs no message, or also at the other loops.
enum class Reach { kHere, kEverywhere };

struct Taken {
  model::Allocation allocation;
  Source source = Source::kWarm;

  bool operator==(const Taken&) const = default;
};

// What a caller waits for: an instance of this version, or this much memory to start one.
struct Demand {
  std::uint64_t id = 0;  // the asker's; names the demand in withdraw_demand()
  model::VersionId version;
  std::uint32_t memory_mb = 0;

  bool operator==(const Demand&) const = default;
};

// The worker's side of wake-ups.
class WorkerSubscriber {
 public:
  virtual ~WorkerSubscriber() = default;
  // True: capacity is being made and will be announced.
  virtual bool on_demand(const Demand& demand) = 0;
  virtual void on_demand_withdrawn(std::uint64_t demand_id) = 0;
  // The version's function was deleted, or has newer code: its idle instances go at once.
  virtual void on_version_dropped(const model::VersionId& version) = 0;
  // The messaging layer may have lost what was announced: everything that is idle and not leased is announced
  // again.
  virtual void on_announce_again() = 0;
};

class Messaging {
 public:
  virtual ~Messaging() = default;

  virtual void announce_warm(const model::VersionId& version, const model::Allocation& allocation) = 0;
  virtual void announce_cold(const model::Allocation& allocation) = 0;
  // Takes an entry of this instance back; when it has been taken already, nothing happens.
  virtual void withdraw(const model::VersionId& version, const std::string& instance) = 0;

  // The newest warm entry of the version; without one the oldest cold entry of at least `memory_mb` (of one
  // server's, where several keep them); without either nothing.
  virtual void take(const model::VersionId& version, std::uint32_t memory_mb, Reach reach,
                    std::function<void(std::optional<Taken>)> done) = 0;

  // Deletes the version's warm stack and tells the workers.
  virtual void drop_version(const model::VersionId& version) = 0;

  // Tells the workers what a caller waits for. `done(true)` when one of them is making room; not called once
  // the demand was withdrawn.
  virtual void demand(const Demand& demand, std::function<void(bool coming)> done) = 0;
  virtual void withdraw_demand(std::uint64_t demand_id) = 0;

  // Called after each announcement, with the version's id for a warm one, empty for a cold one.
  virtual void on_announced(std::function<void(const model::VersionId&)> wake_up) = 0;
  // Called with an instance of the version that was taken from a distant stack for a demand made here. It is
  // executed on, or released.
  virtual void on_handed_over(std::function<void(const model::VersionId&, const model::Allocation&)> use) = 0;
};

}  // namespace hearth::messaging
