// The leases that a worker has given to gateways on other hosts: a lease ends by its use, by its return, when
// its holder has no connection left, or unused after kLeaseLife. Pure; loop thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/event_loop.h"
#include "model/allocation.h"

namespace hearth::worker {

// A gateway gives back what it has not used for a tenth of this.
inline constexpr std::chrono::milliseconds kLeaseLife{2'000};

class LeaseBook {
 public:
  void given(const std::string& holder, const model::Allocation& lease, base::TimePoint now);
  // It has been used, or given back. An offer of another epoch ends nothing: the lease is somebody else's.
  void ended(const model::Allocation& lease);

  // Those that end now; they are forgotten.
  std::vector<model::Allocation> take_expired(base::TimePoint now);
  std::vector<model::Allocation> take_all_of(const std::string& holder);

  std::size_t size() const { return leases_.size(); }

 private:
  struct Place {
    std::string instance;
    std::uint32_t slot = 0;

    bool operator==(const Place&) const = default;
  };
  struct PlaceHash {
    std::size_t operator()(const Place& place) const {
      return std::hash<std::string>()(place.instance) + place.slot;
    }
  };
  struct Lease {
    std::string holder;
    model::Allocation allocation;
    base::TimePoint until;
  };
  template <typename Ends>
  std::vector<model::Allocation> take(const Ends& ends);

  std::unordered_map<Place, Lease, PlaceHash> leases_;
};

}  // namespace hearth::worker
