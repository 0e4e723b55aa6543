// An offer to execute on one reservation of a worker: what the warm stacks and the cold queue hold
// and what a dispatcher leases. A pure value, and a hint: the worker alone admits.
#pragma once

#include <cstdint>
#include <string>

namespace hearth::model {

struct Allocation {
  std::string worker_uri;       // "inproc:LOOP" within one process, http://HOST:PORT otherwise
  std::string instance;         // the reservation's generated name
  std::uint32_t slot = 0;       // which of the invocations that the instance takes at once
  std::uint64_t epoch = 0;      // of the slot; valid for one admission, the worker counts on with each
  std::uint32_t memory_mb = 0;  // what the reservation holds: the largest function's, until it is assigned

  bool operator==(const Allocation&) const = default;
};

}  // namespace hearth::model
