// Cuts the power of a simulated disk at what happens on it, and opens the real stores on what each cut
// leaves: what was acknowledged is there, nothing is there by half, and a recovery that is cut too has the
// same end. Tests only, one thread.
#pragma once

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "store/sqlite/database.h"
#include "store/sqlite/sqlite_execution_store.h"
#include "store/sqlite/sqlite_function_store.h"
#include "store/sqlite/testing/simulated_disk_vfs.h"
#include "store/testing/execution_history.h"

namespace hearth::store::sqlite {

// What `main` opens over hearth.db.
struct StoresOnDisk {
  // `synchronous`: as MountedDisk has it.
  static base::Result<std::unique_ptr<StoresOnDisk>> open(SimulatedDisk& disk,
                                                          std::optional<int> synchronous = std::nullopt);
  explicit StoresOnDisk(SimulatedDisk& disk, std::optional<int> synchronous) : mounted(disk, synchronous) {}

  MountedDisk mounted;
  std::unique_ptr<Database> database;
  std::unique_ptr<SqliteFunctionStore> functions;
  std::unique_ptr<SqliteExecutionStore> executions;
};

// Every row of every table, as text, in order; without when a migration was taken.
using Rows = std::vector<std::string>;
Rows rows_of(Database& database);

// The executions that the power is cut under: all of one is derived from its number. From here on they are
// large.
inline constexpr unsigned kLargeFrom = 1'000'000;
NewExecution numbered_execution(unsigned number);
std::string numbered_output(unsigned number);
std::vector<StoredExecution> stored_executions(StoresOnDisk& stores);

struct PowerCutCounts {
  std::size_t cuts = 0;
  std::size_t cuts_of_recovery = 0;  // of these
  std::size_t sync_points = 0;       // at each of which it was cut
  std::size_t checkpoints = 0;       // of these: the log was moved into the database
};

// What a cut has left.
struct PowerCut {
  std::unique_ptr<SimulatedDisk> left;
  bool acknowledged = false;  // the change was, before the cut
  std::string moment;         // "before a sync of hearth.db, some of it kept"
};

// Cuts before and after every sync, around every change of a name, and at some writes.
class PowerCutter {
 public:
  // All outlive it. `one_in`: of these cuts only so many, as chance has it.
  PowerCutter(SimulatedDisk& disk, std::mt19937& dice, PowerCutCounts& counts, unsigned one_in = 1);
  PowerCutter(const PowerCutter&) = delete;
  PowerCutter& operator=(const PowerCutter&) = delete;
  ~PowerCutter() { disk_.watch({}); }

  void in_flight() { acknowledged_ = false; }
  void acknowledged();
  std::vector<PowerCut> take() { return std::exchange(cuts_, {}); }

 private:
  void happens(DiskEvent event, const std::string& name);
  void cut(Kept kept, const std::string& moment);

  SimulatedDisk& disk_;
  std::mt19937& dice_;
  PowerCutCounts& counts_;
  const unsigned one_in_;
  bool acknowledged_ = false;
  std::vector<PowerCut> cuts_;
};

// What may be there after a cut in a change, and what must.
struct AroundChange {
  const Rows& before;
  const Rows& after;
  const ExecutionHistory& history_before;
  const ExecutionHistory& history_after;
};

class PowerCutCheck {
 public:
  // All outlive it. `now_ms` is when the stores recover.
  PowerCutCheck(std::mt19937& dice, PowerCutCounts& counts, std::optional<int> synchronous,
                std::int64_t now_ms)
      : dice_(dice), counts_(counts), synchronous_(synchronous), now_ms_(now_ms) {}

  // Opens the stores on what is left, and cuts that again now and then. What is wrong, a sentence each.
  std::vector<std::string> violations(const PowerCut& cut, const AroundChange& around);

 private:
  // What is there when all leases are released, for one that is compared; nothing: it cannot be opened.
  std::optional<Rows> recover(const PowerCut& cut, const AroundChange& around, int depth);
  void recover_again(std::vector<PowerCut> cuts, const AroundChange& around, int depth);
  void compare(const Rows& found, const AroundChange& around, bool acknowledged);
  void check_history(StoresOnDisk& stores, const ExecutionHistory& history);
  void check_claims(StoresOnDisk& stores);
  void check_keys(StoresOnDisk& stores, const ExecutionHistory& history);
  void add(const std::string& violation) { violations_.push_back(moment_ + ": " + violation); }

  std::mt19937& dice_;
  PowerCutCounts& counts_;
  const std::optional<int> synchronous_;
  const std::int64_t now_ms_;
  std::string moment_;
  std::vector<std::string> violations_;
};

}  // namespace hearth::store::sqlite
