// How many pre-started instances should wait, of which kind: as many as have been started within one second
// at the busiest of the last minute, and no fewer than kept in readiness for the first call of all. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/event_loop.h"
#include "worker/instance_kind.h"

namespace hearth::worker {

struct PrestartOptions {
  std::uint32_t most = 0;              // --prestart: waiting at once, of all kinds; 0: none
  std::uint32_t cores = 1;             // that starts may take; half of them is for what nobody waits for
  std::uint32_t ready = 1;             // --prestart-ready: of each kind in `always`, though nobody calls
  std::vector<InstanceKind> always{};  // the runtimes there are, for functions of the default size
};

// Kinds that are remembered; the one that was not started for the longest is forgotten for another.
inline constexpr std::size_t kPrestartKinds = 32;
// How long a burst is remembered.
inline constexpr std::chrono::seconds kPrestartMemory{60};

class PrestartPlan {
 public:
  using Counts = std::map<InstanceKind, std::uint32_t>;

  explicit PrestartPlan(PrestartOptions options);

  // An instance of this kind was started for a call, whether or not one waited.
  void started(const InstanceKind& kind, base::TimePoint now);

  // A kind of which one more should wait than there are.
  std::optional<InstanceKind> lacking(const Counts& there, base::TimePoint now) const;
  // A kind of which one fewer should.
  std::optional<InstanceKind> excess(const Counts& there, base::TimePoint now) const;

  // What is wanted changes by itself at this time, if nothing is started until then.
  base::TimePoint changes_at(base::TimePoint now) const;

 private:
  // Starts of a second, for the seconds that had any.
  struct Second {
    std::int64_t number = 0;
    std::uint32_t starts = 0;
  };
  struct Past {
    std::vector<Second> seconds;  // oldest first; kPrestartMemory of them at most
    bool always = false;
  };

  Counts wanted(base::TimePoint now) const;
  static std::uint32_t busiest_second(const Past& past, base::TimePoint now);

  const PrestartOptions options_;
  std::map<InstanceKind, Past> kinds_;
};

}  // namespace hearth::worker
