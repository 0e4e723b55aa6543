// The version lease: until when calls may run what this server's mirrors hold, where other servers change the
// store too. Whoever acknowledges a change has waited for all whose lease lasts, or until it had run out; so
// within its lease a server runs nothing older than was acknowledged anywhere. Why each rule is right:
// docs/decisions/2026-11-27-cut-off-or-store-down.md.
//
// Pure values: the follower's thread tells what happened and when, and tells every loop the term.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/boot_clock.h"
#include "store/change_feed.h"

namespace hearth::gateway {

// What the right to run calls rests on. The worst last.
enum class LeaseState {
  kNotNeeded,  // nobody else changes the store
  kHeld,       // this server has confirmed all changes that there were
  kStoreDown,  // the store refuses everybody, so that nobody can acknowledge a change
  kOver,       // a change may have been acknowledged that this server does not know
};

std::string_view to_string(LeaseState state);

// What a loop holds against the time of each call. One that has run out stays so until the loop is told
// another, also when the process was stopped meanwhile or the machine suspended.
struct ServingTerm {
  base::BootTime until = base::BootTime::max();
  LeaseState rests_on = LeaseState::kNotNeeded;
  bool binding = true;  // false: calls go on after it, at the risk of older code (--without-store serve)

  LeaseState state(base::BootTime now) const { return now < until ? rests_on : LeaseState::kOver; }
  bool operator==(const ServingTerm&) const = default;
};

class VersionLease {
 public:
  // How long a server serves on the strength of one answer: the lease, less a margin for clocks that do not
  // run alike.
  static constexpr std::chrono::milliseconds kServes = store::kFollowerLease - store::kLeaseMargin;

  // Over, until something is confirmed.
  VersionLease() = default;

  // A server that joins has confirmed before it lists the functions, so that no change is missing from what
  // it begins with but those whose makers wait for it. `sent`: a time before it was confirmed.
  void joined(base::BootTime sent, std::uint64_t position);
  // The mirrors of all loops have the changes up to it.
  void applied(std::uint64_t position);
  // The store has heard from us, and had changes up to `newest` after that. Whoever made a later one waits
  // for us; those before are to be applied first. `sent`: a time before the confirmation was sent.
  void confirmed(base::BootTime sent, std::uint64_t newest);
  // The store refused everybody, at some moment between the two.
  void refused(base::BootTime asked, base::BootTime answered);

  bool holds(base::BootTime now) const { return now < until_; }
  ServingTerm term(bool binding) const { return {until_, rests_on_, binding}; }

 private:
  struct Confirmation {
    base::BootTime sent;
    std::uint64_t newest;
  };

  void settle();
  void extend(base::BootTime from, LeaseState rests_on);

  base::BootTime until_ = base::BootTime::min();
  LeaseState rests_on_ = LeaseState::kHeld;
  std::uint64_t applied_ = 0;
  std::optional<Confirmation> unsettled_;  // the mirrors lack some of what there was
};

}  // namespace hearth::gateway
