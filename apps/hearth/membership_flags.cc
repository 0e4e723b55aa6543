// Flags of who belongs to a platform, and of what its load needs.
#include "apps/hearth/flag_kinds.h"
#include "apps/hearth/role_flags.h"

namespace hearth {
namespace {

// A shorter one would take a loop that is busy for a moment for one that is lost.
constexpr std::chrono::milliseconds kShortestWorkerTimeout{500};
constexpr std::chrono::seconds kShortestWindow{1};
constexpr std::chrono::hours kLongestWindow{24};

}  // namespace

void add_capacity_flags(CLI::App& command, ServeOptions& options) {
  auto* const group = command.add_option_group("Capacity");
  add_milliseconds(*group, "--load-window", options.load_window,
                   "The largest load of so long decides how many workers are needed");
  if (options.roles.gateway || options.roles.monitor) {
    group
        ->add_option("--target-utilisation", options.target_utilisation,
                     "How much of all workers' memory is to be busy under that load")
        ->check(CLI::Range(0.05, 1.0))
        ->capture_default_str();
  }
}

void add_monitor_flags(CLI::App& command, ServeOptions& options) {
  auto* const group = command.add_option_group("Monitor");
  add_milliseconds(*group, "--code-sweep-interval", options.code_sweep_interval,
                   "How often code that no function has any more is removed from the store");
}

std::string check_capacity(const ServeOptions& options) {
  if (options.worker_timeout < kShortestWorkerTimeout) {
    return "--worker-timeout is at least 500ms";
  }
  if (options.load_window < kShortestWindow || options.load_window > kLongestWindow) {
    return "--load-window is 1s to 24h";
  }
  return {};
}

}  // namespace hearth
