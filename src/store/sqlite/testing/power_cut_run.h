// Random changes to the stores on a simulated disk, the power cut in each of them. Tests only, one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "store/sqlite/testing/power_cut.h"

namespace hearth::store::sqlite {

struct PowerCutOptions {
  unsigned seed = 0;
  std::optional<int> synchronous;  // as MountedDisk has it
  bool checkpoints = false;        // small pages and large inputs: the log is soon moved into the database
};

class PowerCutRun {
 public:
  PowerCutRun(const PowerCutOptions& options, PowerCutCounts& counts);
  PowerCutRun(const PowerCutRun&) = delete;
  PowerCutRun& operator=(const PowerCutRun&) = delete;
  ~PowerCutRun();

  // So many changes at most, and none after the first that was found wrong. What is wrong, a sentence each.
  std::vector<std::string> run(int changes);

 private:
  std::size_t roll(std::size_t sides) { return dice_() % sides; }
  // An execution that was accepted and is in this state; empty: there is none.
  model::ExecutionId any(model::ExecutionState state);

  void step();
  // Makes one change and looks at what each cut in it has left. `apply` notes what was acknowledged.
  void change(const std::string& name, const std::function<void()>& apply);
  void open();

  void write_batch();
  NewExecution submission();
  Settlement settlement(const Lease& lease);
  void note_settled(const Settlement& settlement);
  void submit_again();
  void claim();
  void extend();
  void cancel();
  void redrive();
  void redrive_dead();
  void remove_ended();
  void restart();
  void create_function();
  void add_version();
  void set_alias();
  void remove_alias();
  void remove_function();
  // A function that is there; null: none.
  const model::Function* any_function();

  const PowerCutOptions options_;
  PowerCutCounts& counts_;
  std::mt19937 dice_;
  const std::unique_ptr<SimulatedDisk> disk_;
  PowerCutter cutter_;
  std::unique_ptr<StoresOnDisk> stores_;
  ExecutionHistory history_;
  ExecutionHistory history_before_;
  Rows rows_;
  std::vector<Lease> held_;
  std::vector<model::Function> functions_;
  unsigned last_number_ = 0;
  unsigned last_function_ = 0;
  int change_ = 0;
  std::int64_t now_ms_ = 1'000;
  std::vector<std::string> violations_;
};

}  // namespace hearth::store::sqlite
