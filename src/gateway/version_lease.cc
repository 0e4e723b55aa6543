#include "gateway/version_lease.h"

namespace hearth::gateway {

std::string_view to_string(LeaseState state) {
  switch (state) {
    case LeaseState::kNotNeeded:
      return "not_needed";
    case LeaseState::kHeld:
      return "held";
    case LeaseState::kStoreDown:
      return "store_down";
    case LeaseState::kOver:
      break;
  }
  return "over";
}

void VersionLease::joined(base::BootTime sent, std::uint64_t position) {
  applied_ = position;
  extend(sent, LeaseState::kHeld);
}

void VersionLease::applied(std::uint64_t position) {
  applied_ = position;
  settle();
}

void VersionLease::confirmed(base::BootTime sent, std::uint64_t newest) {
  unsettled_ = Confirmation{sent, newest};
  settle();
}

// While the lease holds nobody has acknowledged a change that we lack. From the refusal on nobody can, until
// the store has been up again for kFollowerLease. After a gap this says nothing of what happened in it.
void VersionLease::refused(base::BootTime asked, base::BootTime answered) {
  if (holds(answered)) {
    extend(asked, LeaseState::kStoreDown);
  }
}

void VersionLease::settle() {
  if (unsettled_ && applied_ >= unsettled_->newest) {
    extend(unsettled_->sent, LeaseState::kHeld);
    unsettled_.reset();
  }
}

void VersionLease::extend(base::BootTime from, LeaseState rests_on) {
  if (from + kServes > until_) {
    until_ = from + kServes;
    rests_on_ = rests_on;
  }
}

}  // namespace hearth::gateway
