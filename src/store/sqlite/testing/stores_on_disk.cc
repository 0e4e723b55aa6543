// What power cuts are tried on: the stores, the executions in them, and what can be read back.
#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>

#include "store/execution_conformance.h"
#include "store/sqlite/testing/power_cut.h"

namespace hearth::store::sqlite {
namespace {

constexpr std::size_t kLargeBytes = 16'384;

template <typename T>
T sound(base::Result<T> result) {
  if (!result) {
    throw std::runtime_error(result.error().message);
  }
  return std::move(*result);
}

std::vector<std::string> table_names(Connection& connection) {
  const Statement statement =
      sound(connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table'"));
  Query query(connection, statement);
  std::vector<std::string> names;
  while (sound(query.next("list the tables"))) {
    names.push_back(query.text(0));
  }
  return names;
}

void add_rows(Connection& connection, const std::string& table, Rows& rows) {
  const std::string columns = table == "schema_migrations" ? "version, name" : "*";
  const Statement statement = sound(connection.prepare(("SELECT " + columns + " FROM " + table).c_str()));
  Query query(connection, statement);
  while (sound(query.next("read a table"))) {
    std::string row = table;
    for (int column = 0; column < sqlite3_column_count(statement.get()); ++column) {
      row += '|' + query.text(column);
    }
    rows.push_back(std::move(row));
  }
}

std::string numbered_input(unsigned number) {
  const std::size_t padding = number < kLargeFrom ? number % 64 : kLargeBytes + number % kLargeBytes;
  return "{\"number\":" + std::to_string(number) + ",\"padding\":\"" + std::string(padding, 'p') + "\"}";
}

// Of an input or output, the number that all of it is derived from.
std::string word_of(const std::string& text) {
  const std::size_t begin = std::min(text.find(':'), text.size() - 1) + 1;
  unsigned number = 0;
  std::from_chars(text.data() + begin, text.data() + text.size(), number);
  const bool whole = text == numbered_output(number) || text == numbered_input(number);
  return whole ? std::to_string(number) : "damaged bytes";
}

}  // namespace

base::Result<std::unique_ptr<StoresOnDisk>> StoresOnDisk::open(SimulatedDisk& disk,
                                                               std::optional<int> synchronous) {
  auto stores = std::make_unique<StoresOnDisk>(disk, synchronous);
  auto database = Database::open(stores->mounted.database_path(), {});
  if (!database) {
    return database.error();
  }
  stores->database = std::move(*database);
  auto functions = SqliteFunctionStore::open(*stores->database);
  if (!functions) {
    return functions.error();
  }
  stores->functions = std::move(*functions);
  auto executions = SqliteExecutionStore::open(*stores->database);
  if (!executions) {
    return executions.error();
  }
  stores->executions = std::move(*executions);
  return stores;
}

Rows rows_of(Database& database) {
  Session session(database);
  Rows rows;
  for (const std::string& table : table_names(session.connection())) {
    add_rows(session.connection(), table, rows);
  }
  std::ranges::sort(rows);
  return rows;
}

NewExecution numbered_execution(unsigned number) {
  NewExecution execution;
  execution.id = execution_id(static_cast<int>(number));
  execution.function_id = std::array{"f", "g", "h"}.at(number % 3);
  execution.version = number % 5 == 0 ? 1 : 0;
  execution.input = std::make_shared<const std::string>(numbered_input(number));
  execution.idempotency_key = number % 4 == 0 ? "key of " + std::to_string(number) : "";
  return execution;
}

std::string numbered_output(unsigned number) { return "{\"output of\":" + std::to_string(number) + "}"; }

std::vector<StoredExecution> stored_executions(StoresOnDisk& stores) {
  ExecutionFilter filter;
  filter.limit = 1'000'000;
  std::vector<StoredExecution> stored;
  for (model::AsyncExecution& listed : sound(stores.executions->list(filter))) {
    const bool done = listed.state == model::ExecutionState::kDone;
    stored.push_back({done ? sound(stores.executions->find(listed.id)) : std::move(listed), std::nullopt});
  }
  Session session(*stores.database);
  const Statement statement = sound(session.connection().prepare(
      "SELECT ifnull(e.input, i.input) FROM executions e LEFT JOIN execution_inputs i ON i.seq = e.seq "
      "WHERE e.id = ? AND (e.input IS NULL) <> (i.input IS NULL)"));
  for (auto& [execution, word] : stored) {
    const bool done = execution.state == model::ExecutionState::kDone;
    Query query(session.connection(), statement);
    const bool has_input = sound(query.bind(execution.id).next("read an input"));
    word = done == has_input ? "an input too many or too few"
                             : word_of(done ? execution.result.output : query.text(0));
  }
  return stored;
}

}  // namespace hearth::store::sqlite
