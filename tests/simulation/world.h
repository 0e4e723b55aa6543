// One simulated run from its seed to its report: servers, workers, clients and faults on one virtual clock,
// over a real store. The same settings give the same events. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/execution_store.h"
#include "tests/simulation/clients.h"
#include "tests/simulation/lease_book.h"
#include "tests/simulation/settings.h"

namespace hearth::simulation {

struct Report {
  std::uint64_t seed = 0;
  std::uint64_t steps = 0;  // events of the loop
  std::uint64_t steps_under_faults = 0;
  std::uint64_t hash = 0;  // of all of them
  std::uint64_t runs = 0;  // that instances began
  BookCounts book;
  ClientCounts clients;
  std::vector<std::string> faults;
  std::vector<std::string> violations;  // none is how it should be

  // What is wrong, and what was done before.
  std::string story() const;
};

// `store` is empty.
Report run(const Settings& settings, store::ExecutionStore& store);

}  // namespace hearth::simulation
