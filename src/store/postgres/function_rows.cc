#include "store/postgres/function_rows.h"

#include "store/alias_text.h"
#include "store/environment_text.h"
#include "store/policy_text.h"

namespace hearth::store::postgres {

namespace {

// `first`: the column of its id.
base::Result<model::Version> read_version_at(const Rows& rows, int row, int first) {
  auto environment = environment_from_text(rows.bytes(row, first + 8));
  if (!environment) {
    return base::Error{environment.error().code,
                       "function " + rows.text(row, first + 1) + ": " + environment.error().message};
  }
  model::Version version;
  version.id = rows.text(row, first);
  version.function_id = rows.text(row, first + 1);
  version.number = static_cast<std::uint32_t>(rows.number(row, first + 2));
  version.runtime = rows.text(row, first + 3);
  version.handler = rows.text(row, first + 4);
  version.memory_mb = static_cast<std::uint32_t>(rows.number(row, first + 5));
  version.timeout_ms = static_cast<std::uint32_t>(rows.number(row, first + 6));
  version.concurrency = static_cast<std::uint32_t>(rows.number(row, first + 7));
  version.environment = std::move(*environment);
  version.code_digest = rows.text(row, first + 9);
  version.code_bytes = static_cast<std::uint64_t>(rows.number(row, first + 10));
  version.created_ms = rows.number(row, first + 11);
  return version;
}

}  // namespace

base::Result<model::Version> read_version(const Rows& rows, int row) { return read_version_at(rows, row, 0); }

base::Result<model::Function> read_function(const Rows& rows, int row) {
  auto version = read_version_at(rows, row, 5);
  if (!version) {
    return version.error();
  }
  const auto damaged = [&rows, row](const base::Error& error) {
    return base::Error{error.code, "function " + rows.text(row, 0) + ": " + error.message};
  };
  auto aliases = aliases_from_text(rows.text(row, 18));
  if (!aliases) {
    return damaged(aliases.error());
  }
  const auto concurrency = concurrency_from_text(rows.text(row, 19));
  if (!concurrency) {
    return damaged(concurrency.error());
  }
  auto async = async_from_text(rows.text(row, 20));
  if (!async) {
    return damaged(async.error());
  }
  model::Function function;
  function.id = rows.text(row, 0);
  function.name = rows.text(row, 1);
  function.display_name = rows.text(row, 2);
  function.created_ms = rows.number(row, 3);
  function.updated_ms = rows.number(row, 4);
  function.current = std::move(*version);
  function.revision = static_cast<std::uint64_t>(rows.number(row, 17));
  function.aliases = std::move(*aliases);
  function.concurrency = *concurrency;
  function.async = std::move(*async);
  return function;
}

}  // namespace hearth::store::postgres
