#include "store/sqlite/execution_counts.h"

namespace hearth::store::sqlite {

void ExecutionCounts::open(const model::FunctionId& function_id, std::int64_t executions,
                           std::int64_t input_bytes) {
  OfFunction& counts = not_ended_[function_id];
  counts.executions += executions;
  counts.input_bytes += input_bytes;
}

void ExecutionCounts::end(const model::FunctionId& function_id, std::int64_t input_bytes) {
  open(function_id, -1, -input_bytes);
  ++ended_;
}

void ExecutionCounts::reopen(const model::FunctionId& function_id, std::int64_t input_bytes) {
  open(function_id, 1, input_bytes);
  --ended_;
}

void ExecutionCounts::add(const ExecutionCounts& change) {
  for (const auto& [function_id, counts] : change.not_ended_) {
    open(function_id, counts.executions, counts.input_bytes);
    if (not_ended_[function_id].executions == 0) {
      not_ended_.erase(function_id);
    }
  }
  ended_ += change.ended_;
}

std::vector<Backlog> ExecutionCounts::backlog() const {
  std::vector<Backlog> backlog;
  backlog.reserve(not_ended_.size());
  for (const auto& [function_id, counts] : not_ended_) {
    backlog.push_back({function_id, static_cast<std::uint64_t>(counts.executions),
                       static_cast<std::uint64_t>(counts.input_bytes)});
  }
  return backlog;
}

}  // namespace hearth::store::sqlite
