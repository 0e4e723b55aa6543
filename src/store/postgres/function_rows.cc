#include "store/postgres/function_rows.h"

#include "store/environment_text.h"

namespace hearth::store::postgres {

base::Result<model::Function> read_function(const Rows& rows, int row) {
  auto environment = environment_from_text(rows.bytes(row, 12));
  if (!environment) {
    return base::Error{environment.error().code,
                       "function " + rows.text(row, 0) + ": " + environment.error().message};
  }
  model::Function function;
  function.id = rows.text(row, 0);
  function.name = rows.text(row, 1);
  function.display_name = rows.text(row, 2);
  function.created_ms = rows.number(row, 3);
  function.updated_ms = rows.number(row, 4);
  model::Version& version = function.current;
  version.id = rows.text(row, 5);
  version.function_id = function.id;
  version.number = static_cast<std::uint32_t>(rows.number(row, 6));
  version.runtime = rows.text(row, 7);
  version.handler = rows.text(row, 8);
  version.memory_mb = static_cast<std::uint32_t>(rows.number(row, 9));
  version.timeout_ms = static_cast<std::uint32_t>(rows.number(row, 10));
  version.concurrency = static_cast<std::uint32_t>(rows.number(row, 11));
  version.environment = std::move(*environment);
  version.code_digest = rows.text(row, 13);
  version.code_bytes = static_cast<std::uint64_t>(rows.number(row, 14));
  return function;
}

}  // namespace hearth::store::postgres
