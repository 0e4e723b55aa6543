// Of which functions a worker keeps instances started, how many, and which is to be started next: after one
// that did not come up, or did not last, the next waits, twice as long each time. Pure; time is handed in.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "model/function.h"

namespace hearth::worker {

// So many instances of this version, which is its function's current one.
struct Provision {
  model::VersionPtr version;
  std::string function_name;  // shown to the handler
  std::uint32_t count = 0;

  bool operator==(const Provision&) const = default;
};

// Between the starts of a function's, when one does not come up or does not last: doubled each time, up to
// the most.
inline constexpr std::chrono::seconds kProvisionPause{1};
inline constexpr std::chrono::seconds kProvisionPauseMost{60};
// What has lasted so long after its start is replaced at once.
inline constexpr std::chrono::seconds kProvisionLasts{10};

class ProvisionPlan {
 public:
  using Counts = std::map<model::FunctionId, std::uint32_t>;

  // Instead of what was wanted of the same function; with a count of 0 nothing is.
  void want(Provision provision);
  // Nothing is wanted of this version any more.
  void drop(const model::VersionId& version);
  void clear() { entries_.clear(); }

  bool empty() const { return entries_.empty(); }
  // Null when nothing is wanted of this version. Valid until the next change.
  const Provision* find(const model::Version& version) const;
  std::vector<Provision> all() const;

  // One of this version did not come up, or has ended, so long after it was loaded. True when it is the first
  // in a row that did not last.
  bool ended(const model::Version& version, base::Duration lasted, base::TimePoint now);

  // Those of which more are wanted than there are, and that may be started now: who has the smallest part of
  // its number first.
  std::vector<Provision> lacking(const Counts& there, base::TimePoint now) const;
  // When the next of them may be.
  base::TimePoint next_start(const Counts& there, base::TimePoint now) const;

 private:
  struct Entry {
    Provision provision;
    base::TimePoint start_from{};
    base::Duration pause = kProvisionPause;
  };

  Entry* entry_of(const model::Version& version);

  std::map<model::FunctionId, Entry> entries_;
};

}  // namespace hearth::worker
