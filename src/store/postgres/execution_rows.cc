#include "store/postgres/execution_rows.h"

#include <algorithm>

#include "store/execution_text.h"

namespace hearth::store::postgres {

std::string attempt_to_bytes(const model::FailedAttempt& attempt) {
  const std::string array = attempts_to_text({attempt});
  return array.substr(1, array.size() - 2);  // without its brackets
}

base::Result<model::AsyncExecution> read_listed(const Rows& rows, int row) {
  model::AsyncExecution execution;
  execution.id = rows.text(row, 0);
  execution.function_id = rows.text(row, 1);
  execution.version = static_cast<std::uint32_t>(rows.number(row, 2));
  execution.executed_version = static_cast<std::uint32_t>(rows.number(row, 3));
  execution.state = static_cast<model::ExecutionState>(rows.number(row, 4));
  execution.submitted_ms = rows.number(row, 5);
  execution.due_ms = rows.number(row, 6);
  execution.started_ms = rows.number(row, 7);
  execution.ended_ms = rows.number(row, 8);
  auto attempts = attempts_from_text(rows.bytes(row, 9));
  if (!attempts) {
    return base::Error{attempts.error().code, "execution " + execution.id + ": " + attempts.error().message};
  }
  execution.attempts = std::move(*attempts);
  execution.result.error_code = rows.text(row, 10);
  execution.input_bytes = static_cast<std::uint64_t>(rows.number(row, 11));
  execution.kind = static_cast<model::ExecutionKind>(rows.number(row, 12));
  execution.parent_id = rows.text(row, 13);
  execution.depth = static_cast<std::uint32_t>(rows.number(row, 14));
  execution.schedule = rows.text(row, 15);
  execution.slot_ms = rows.number(row, 16);
  return execution;
}

base::Result<model::AsyncExecution> read_execution(const Rows& rows, int row) {
  auto execution = read_listed(rows, row);
  if (!execution) {
    return execution;
  }
  model::ExecutionResult& result = execution->result;
  result.output = rows.bytes(row, 17);
  result.error.type = rows.bytes(row, 18);
  result.error.message = rows.bytes(row, 19);
  result.error.stack = rows.bytes(row, 20);
  auto chunks = logs_from_bytes(rows.bytes(row, 21));
  if (!chunks) {
    return base::Error{chunks.error().code, "execution " + execution->id + ": " + chunks.error().message};
  }
  result.logs.chunks = std::move(*chunks);
  result.logs.truncated = rows.number(row, 22) != 0;
  return execution;
}

std::vector<Backlog> read_backlog(const Rows& rows) {
  std::vector<Backlog> found;
  found.reserve(static_cast<std::size_t>(rows.count()));
  for (int row = 0; row < rows.count(); ++row) {
    found.push_back({rows.text(row, 0), static_cast<std::uint64_t>(rows.number(row, 1)),
                     static_cast<std::uint64_t>(rows.number(row, 2))});
  }
  return found;
}

bool may_be_id(std::string_view id) {
  return std::ranges::all_of(id, [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace hearth::store::postgres
