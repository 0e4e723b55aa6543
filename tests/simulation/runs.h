// What was really executed: each call that a server's dispatcher has sent to a worker, each time that an
// instance began one, and each answer that the server got. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/event_loop.h"
#include "model/async_execution.h"
#include "tests/simulation/trace.h"

namespace hearth::simulation {

using ProcessId = std::uint32_t;  // of a server's process; another after each restart

struct SentCall {
  ProcessId process = 0;
  model::ExecutionId execution;
  std::uint64_t run = 0;  // 0: it has not begun
};

struct Run {
  std::uint64_t call = 0;
  std::string input;
  std::uint32_t version = 0;
  base::TimePoint began{};
};

// An answer as the server has it.
struct Delivery {
  model::OutcomeKind kind = model::OutcomeKind::kReturned;
  std::string output;
  std::uint64_t run = 0;  // 0: nothing is known to have begun
  base::TimePoint when{};
};

class Runs {
 public:
  explicit Runs(Trace& trace) : trace_(trace) {}

  // A number for each server process.
  ProcessId next_process() { return ++last_process_; }
  // Its number.
  std::uint64_t sent(ProcessId process, const model::ExecutionId& execution);
  // The run's number.
  std::uint64_t began(std::uint64_t call, const std::string& input, std::uint32_t version,
                      base::TimePoint now);
  void delivered(std::uint64_t call, const model::Outcome& outcome, base::TimePoint now);

  const SentCall& call(std::uint64_t number) const { return calls_.at(number - 1); }
  const Run& run(std::uint64_t number) const { return runs_.at(number - 1); }
  std::uint64_t count() const { return runs_.size(); }
  std::uint64_t of(const model::ExecutionId& execution) const;
  // That this process got for this execution, oldest first.
  const std::vector<Delivery>& deliveries(ProcessId process, const model::ExecutionId& execution) const;

 private:
  Trace& trace_;
  ProcessId last_process_ = 0;
  std::vector<SentCall> calls_;
  std::vector<Run> runs_;
  std::unordered_map<model::ExecutionId, std::uint64_t> of_;
  std::unordered_map<std::string, std::vector<Delivery>> deliveries_;
};

}  // namespace hearth::simulation
