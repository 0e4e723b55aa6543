#include "tests/simulation/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "tests/simulation/nemesis.h"
#include "tests/simulation/stage.h"

namespace hearth::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint32_t kMostBetweenLooksMs = 3'000;
constexpr std::uint32_t kMostBetweenLooksAfterwardsMs = 60'000;
// Longer than what is left takes at most, once nothing fails any more: delays of 45 s, retries, a lease.
constexpr minutes kMostToDrain{15};
constexpr int kBursts = 10;
constexpr int kBurstsOfOneServer = 60;  // which looks for nothing that it is not told of
constexpr std::size_t kViolationsTold = 8;
// What was cancelled while it ran goes on for its time-out at most; the backlog of a shared store is counted
// again meanwhile.
constexpr seconds kMostToRest{60};

class World {
 public:
  World(const Settings& settings, store::ExecutionStore& store)
      : settings_(settings), store_(store), dice_(settings.seed) {
    for (std::uint32_t i = 0; i < settings_.servers; ++i) {
      const auto most = static_cast<std::uint32_t>(2 * settings_.clock_off_ms);
      servers_.push_back(std::make_unique<ServerHost>(stage_, fmt::format("server {}", i),
                                                      dice_.below(most) - settings_.clock_off_ms));
    }
    for (std::uint32_t i = 0; i < settings_.workers; ++i) {
      workers_.push_back(std::make_unique<WorkerHost>(stage_, fmt::format("worker-{}", i)));
    }
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  // What is on its way goes while those are there that it would have reached.
  ~World() {
    for (const auto& server : servers_) {
      server->kill();
    }
    for (const auto& worker : workers_) {
      worker->kill();
    }
    owned_loop_.reset();
  }

  Report run();

 private:
  void look_again();
  void compare();
  void drain(base::Duration most);
  void check_bursts();
  std::string what_is_left() const;
  void check_rest();

  const Settings settings_;
  store::ExecutionStore& store_;
  sim::Dice dice_;
  std::unique_ptr<sim::SimLoop> owned_loop_ = std::make_unique<sim::SimLoop>();
  sim::SimLoop& loop_ = *owned_loop_;
  Trace trace_{loop_};
  Runs runs_{trace_};
  Directory directory_{sim::Dice(dice_.next()), settings_.functions, settings_.runner.lease};
  Hub hub_{loop_, sim::Dice(dice_.next())};
  Wire wire_{loop_, runs_, sim::Dice(dice_.next())};
  Wellness wellness_{loop_};
  StoreFaults store_faults_;
  LeaseBook book_{
      {loop_, settings_, trace_, runs_,
       [this](ProcessId process, base::Duration time) { return wellness_.was_well(process, time); },
       [this](const model::FunctionId& id, std::uint32_t number) {
         return directory_.was_deleted(id, number);
       }}};
  Stage stage_{settings_, loop_, trace_, runs_,         directory_, hub_,
               wire_,     book_, store_, store_faults_, wellness_,  dice_};
  std::vector<std::unique_ptr<ServerHost>> servers_;
  std::vector<std::unique_ptr<WorkerHost>> workers_;
  Nemesis nemesis_{stage_, servers_, workers_};
  Clients clients_{stage_, servers_};
  bool finished_ = false;
};

void World::compare() { book_.compare(everything_in(store_), store_.backlog().value()); }

void World::look_again() {
  const std::uint32_t most_ms = finished_ ? kMostBetweenLooksAfterwardsMs : kMostBetweenLooksMs;
  loop_.at(loop_.now() + milliseconds(dice_.below(most_ms)), [this] {
    compare();
    look_again();
  });
}

void World::drain(base::Duration most) {
  const base::TimePoint bound = loop_.now() + most;
  while (book_.open() > 0 && loop_.now() < bound && trace_.violations().empty()) {
    loop_.run_until(loop_.now() + seconds(1));
  }
  if (book_.open() > 0) {
    trace_.violation(fmt::format("{} executions have not ended{}", book_.open(), book_.state_of_open()));
  }
}

// Nothing else happens that would have the servers look for what is due.
void World::check_bursts() {
  const int bursts = settings_.embedded ? kBurstsOfOneServer : kBursts;
  for (int i = 0; i < bursts && trace_.violations().empty(); ++i) {
    clients_.burst();
    loop_.run_until(loop_.now() + seconds(1));
    drain(kMostToDrain);
  }
}

std::string World::what_is_left() const {
  std::string left;
  for (const auto& server : servers_) {
    left += server->what_is_left();
  }
  return left;
}

void World::check_rest() {
  const base::TimePoint bound = loop_.now() + kMostToRest;
  while (!what_is_left().empty() && loop_.now() < bound) {
    loop_.run_until(loop_.now() + seconds(1));
  }
  if (const std::string left = what_is_left(); !left.empty()) {
    trace_.violation("when all have ended, " + left);
  }
  compare();
  clients_.compare(everything_in(store_));
  for (const auto& worker : workers_) {
    if (!worker->ledger_is_exact()) {
      trace_.violation("the memory of " + worker->name() + " is not all there");
    }
  }
  for (const auto& server : servers_) {
    if (server->runs() && !server->ends_at_once()) {
      trace_.violation(server->name() + " holds something when all have ended");
    }
  }
}

Report World::run() {
  for (const auto& worker : workers_) {
    worker->start();
  }
  for (const auto& server : servers_) {
    server->start();
  }
  clients_.start();
  nemesis_.start();
  look_again();
  loop_.run_until(loop_.now() + settings_.duration);
  const std::uint64_t under_faults = loop_.events();
  finished_ = true;
  clients_.finish();
  nemesis_.finish();
  drain(kMostToDrain + 2 * milliseconds(settings_.clock_jump_ms));
  check_bursts();
  if (trace_.violations().empty()) {
    check_rest();
  }
  Report report;
  report.seed = settings_.seed;
  report.steps = loop_.events();
  report.steps_under_faults = under_faults;
  report.runs = runs_.count();
  report.book = book_.counts();
  report.clients = clients_.counts();
  report.hash = trace_.hash();
  report.faults = trace_.faults();
  report.violations = trace_.violations();
  return report;
}

}  // namespace

std::string Report::story() const {
  std::string text = fmt::format("seed {}: {} steps, {} accepted\n", seed, steps, book.accepted);
  for (const std::string& each : faults) {
    text += each + "\n";
  }
  text += "\nwhat is wrong:\n";
  for (std::size_t i = 0; i < std::min(violations.size(), kViolationsTold); ++i) {
    text += violations[i] + "\n";
  }
  return text;
}

Report run(const Settings& settings, store::ExecutionStore& store) { return World(settings, store).run(); }

}  // namespace hearth::simulation
