#include "tests/simulation/settings.h"

#include "sim/dice.h"

namespace hearth::simulation {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr std::uint64_t kSettingsSeed = 0x73657474;

template <typename Value, std::size_t kCount>
Value one_of(sim::Dice& dice, const Value (&values)[kCount]) {
  return values[dice.below(kCount)];
}

// Every other fault is left out, so that the rest is seen alone too.
milliseconds rate(sim::Dice& dice) {
  const milliseconds mean(2'000 + dice.below(10'000));
  return dice.below(2) == 0 ? mean : milliseconds(0);
}

double share(sim::Dice& dice, double most) {
  const double drawn = dice.share() * most;
  return dice.below(2) == 0 ? drawn : 0;
}

FaultRates faults_of(sim::Dice& dice, bool embedded) {
  FaultRates faults;
  faults.kill = rate(dice);
  faults.stop = rate(dice);
  faults.drain = 2 * rate(dice);
  faults.slow_disk = rate(dice);
  faults.clock = rate(dice);
  faults.worker_kill = rate(dice);
  faults.worker_stop = rate(dice);
  faults.change = rate(dice);
  faults.stale = rate(dice);
  faults.callers = rate(dice);
  faults.messaging = rate(dice);
  faults.cut = share(dice, 0.05);
  if (!embedded) {
    faults.store_down = rate(dice);
    faults.unknown = share(dice, 0.1);
    faults.refused = share(dice, 0.1);
  }
  return faults;
}

}  // namespace

Settings Settings::drawn(std::uint64_t seed) {
  sim::Dice dice(seed ^ kSettingsSeed);
  Settings made;
  made.seed = seed;
  made.embedded = dice.below(4) == 0;
  made.servers = made.embedded ? 1 : 2 + dice.below(3);
  made.workers = 1 + dice.below(4);
  made.worker_memory_mb = one_of<std::uint32_t>(dice, {1'024, 2'048, 4'096});
  made.functions = 1 + dice.below(8);
  made.submit_every = milliseconds(one_of(dice, {15, 30, 60}));
  made.runner.concurrency = one_of<std::size_t>(dice, {2, 8, 64});
  made.runner.lease = milliseconds(one_of(dice, {3'000, 6'000, 10'000}));
  made.runner.retry.retries = one_of<std::uint32_t>(dice, {0, 2, 3});
  made.runner.retry.delay = milliseconds(one_of(dice, {200, 1'000}));
  made.runner.retry.max_age =
      one_of<milliseconds>(dice, {milliseconds(20'000), milliseconds(90'000), hours(6)});
  made.retention.age = one_of<milliseconds>(dice, {milliseconds(5'000), hours(7 * 24), hours(7 * 24)});
  made.retention.count = one_of<std::size_t>(dice, {50, 1'000'000, 1'000'000});
  made.backlog.executions = one_of<std::uint64_t>(dice, {100, 1'000'000});
  made.duration = milliseconds(one_of(dice, {5'000, 10'000, 20'000, 30'000}));
  made.clock_off_ms = made.runner.lease.count() / 12;
  made.clock_jump_ms = made.embedded ? 3'600'000 : 60'000;
  made.faults = faults_of(dice, made.embedded);
  return made;
}

}  // namespace hearth::simulation
