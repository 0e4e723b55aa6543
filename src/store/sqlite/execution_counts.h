// How many executions there are, in memory, so that nobody has to read a large table to know. Filled when the
// store is opened, changed after each commit. Used by the one thread that holds the database.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "store/execution_store.h"

namespace hearth::store::sqlite {

class ExecutionCounts {
 public:
  // So many more that have not ended; fewer, when negative.
  void open(const model::FunctionId& function_id, std::int64_t executions, std::int64_t input_bytes);
  // One has ended.
  void end(const model::FunctionId& function_id, std::int64_t input_bytes);
  // One that had ended is pending again.
  void reopen(const model::FunctionId& function_id, std::int64_t input_bytes);
  // Some that have ended are there (or, when negative, are there no more).
  void add_ended(std::int64_t executions) { ended_ += executions; }

  // What one transaction has changed.
  void add(const ExecutionCounts& change);

  std::vector<Backlog> backlog() const;
  std::int64_t ended() const { return ended_; }

 private:
  struct OfFunction {
    std::int64_t executions = 0;
    std::int64_t input_bytes = 0;
  };

  std::map<model::FunctionId, OfFunction> not_ended_;
  std::int64_t ended_ = 0;
};

}  // namespace hearth::store::sqlite
