// A simulation from its settings to its report. The same settings give the same report. One thread.
#pragma once

#include <cstdint>
#include <functional>

#include "sim/report.h"
#include "sim/settings.h"

namespace hearth::sim {

struct Progress {
  std::uint64_t second = 0;  // of virtual time, the warm-up included
  std::uint64_t seconds = 0;
  std::uint64_t calls = 0;  // begun
};

// `on_progress` is called after each second of virtual time; false ends the simulation there, and the report
// is of what was measured until then.
Report simulate(const Settings& settings, const std::function<bool(const Progress&)>& on_progress);

}  // namespace hearth::sim
