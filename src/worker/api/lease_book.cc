#include "worker/api/lease_book.h"

namespace hearth::worker {

void LeaseBook::given(const std::string& holder, const model::Allocation& lease, base::TimePoint now) {
  leases_[{lease.instance, lease.slot}] = {holder, lease, now + kLeaseLife};
}

void LeaseBook::ended(const model::Allocation& lease) {
  const auto given = leases_.find({lease.instance, lease.slot});
  if (given != leases_.end() && given->second.allocation.epoch == lease.epoch) {
    leases_.erase(given);
  }
}

template <typename Ends>
std::vector<model::Allocation> LeaseBook::take(const Ends& ends) {
  std::vector<model::Allocation> taken;
  std::erase_if(leases_, [&](auto& entry) {
    const bool now = ends(entry.second);
    if (now) {
      taken.push_back(std::move(entry.second.allocation));
    }
    return now;
  });
  return taken;
}

std::vector<model::Allocation> LeaseBook::take_expired(base::TimePoint now) {
  return take([now](const Lease& lease) { return lease.until <= now; });
}

std::vector<model::Allocation> LeaseBook::take_all_of(const std::string& holder) {
  return take([&holder](const Lease& lease) { return lease.holder == holder; });
}

}  // namespace hearth::worker
