#include "store/sqlite/sqlite_function_store.h"

#include "store/alias_text.h"
#include "store/environment_text.h"
#include "store/policy_text.h"

namespace hearth::store::sqlite {
namespace {

constexpr const char* kInsertFunction =
    "INSERT INTO functions (id, name, display_name, current_number, created_ms, updated_ms) "
    "VALUES (?, ?, ?, ?, ?, ?)";
constexpr const char* kInsertVersion =
    "INSERT INTO versions (id, function_id, number, runtime, handler, memory_mb, timeout_ms, concurrency, "
    "environment, code_digest, code_bytes, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

// In the order that read_version() takes them apart.
#define HEARTH_VERSION_COLUMNS                                                                      \
  "v.id, v.function_id, v.number, v.runtime, v.handler, v.memory_mb, v.timeout_ms, v.concurrency, " \
  "v.environment, v.code_digest, v.code_bytes, v.created_ms "
// One row a function with all its aliases, in the order that read_row() takes it apart.
#define HEARTH_SELECT_FUNCTION                                                               \
  "SELECT f.id, f.name, f.display_name, f.created_ms, f.updated_ms, " HEARTH_VERSION_COLUMNS \
  ", f.revision, (SELECT json_group_object(a.name, json_array(a.version, a.canary_version, " \
  "a.canary_per_mille, a.updated_ms)) FROM aliases a WHERE a.function_id = f.id), "          \
  "f.concurrency, f.async "                                                                  \
  "FROM functions f JOIN versions v ON v.function_id = f.id AND v.number = f.current_number "
// An id wins over a name that looks the same.
constexpr const char* kFind =
    HEARTH_SELECT_FUNCTION "WHERE f.id = ?1 OR f.name = ?1 ORDER BY f.id = ?1 DESC LIMIT 1";
constexpr const char* kList = HEARTH_SELECT_FUNCTION "ORDER BY f.created_ms, f.id";
constexpr const char* kVersions = "SELECT " HEARTH_VERSION_COLUMNS
                                  "FROM versions v WHERE v.function_id = ?1 AND (?2 = 0 OR v.number < ?2) "
                                  "ORDER BY v.number DESC LIMIT ?3";
constexpr const char* kFindVersion =
    "SELECT " HEARTH_VERSION_COLUMNS "FROM versions v WHERE v.function_id = ?1 AND v.number = ?2";
#undef HEARTH_SELECT_FUNCTION
#undef HEARTH_VERSION_COLUMNS

constexpr const char* kAdvance =
    "UPDATE functions SET current_number = ?1, updated_ms = ?2, revision = revision + 1 "
    "WHERE id = ?3 AND current_number = ?1 - 1";
constexpr const char* kExists = "SELECT 1 FROM functions WHERE id = ?";
constexpr const char* kTouch = "UPDATE functions SET updated_ms = ?, revision = revision + 1 WHERE id = ?";
constexpr const char* kVersionExists = "SELECT 1 FROM versions WHERE function_id = ? AND number = ?";
constexpr const char* kSetAlias =
    "INSERT INTO aliases (function_id, name, version, canary_version, canary_per_mille, updated_ms) "
    "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (function_id, name) DO UPDATE SET version = excluded.version, "
    "canary_version = excluded.canary_version, canary_per_mille = excluded.canary_per_mille, "
    "updated_ms = excluded.updated_ms";
constexpr const char* kRemoveAlias = "DELETE FROM aliases WHERE function_id = ? AND name = ?";
constexpr const char* kSetConcurrency = "UPDATE functions SET concurrency = ? WHERE id = ?";
constexpr const char* kSetAsync = "UPDATE functions SET async = ? WHERE id = ?";
constexpr const char* kRemove = "DELETE FROM functions WHERE id = ?";
// Code of this function's versions that no version of another has.
constexpr const char* kOwnCode =
    "SELECT DISTINCT code_digest FROM versions WHERE function_id = ?1 EXCEPT "
    "SELECT code_digest FROM versions WHERE function_id <> ?1 ORDER BY 1";

base::Error no_such_function(std::string_view id_or_name) {
  return {base::ErrorCode::kNotFound, "there is no function \"" + std::string(id_or_name) + "\""};
}

// `first`: the column of its id.
base::Result<model::Version> read_version(const Query& row, int first) {
  auto environment = environment_from_text(row.text(first + 8));
  if (!environment) {
    return base::Error{environment.error().code,
                       "function " + row.text(first + 1) + ": " + environment.error().message};
  }
  model::Version version;
  version.id = row.text(first);
  version.function_id = row.text(first + 1);
  version.number = static_cast<std::uint32_t>(row.number(first + 2));
  version.runtime = row.text(first + 3);
  version.handler = row.text(first + 4);
  version.memory_mb = static_cast<std::uint32_t>(row.number(first + 5));
  version.timeout_ms = static_cast<std::uint32_t>(row.number(first + 6));
  version.concurrency = static_cast<std::uint32_t>(row.number(first + 7));
  version.environment = std::move(*environment);
  version.code_digest = row.text(first + 9);
  version.code_bytes = static_cast<std::uint64_t>(row.number(first + 10));
  version.created_ms = row.number(first + 11);
  return version;
}

base::Result<model::Function> read_row(const Query& row) {
  auto version = read_version(row, 5);
  if (!version) {
    return version.error();
  }
  const auto damaged = [&row](const base::Error& error) {
    return base::Error{error.code, "function " + row.text(0) + ": " + error.message};
  };
  auto aliases = aliases_from_text(row.text(18));
  if (!aliases) {
    return damaged(aliases.error());
  }
  const auto concurrency = concurrency_from_text(row.text(19));
  if (!concurrency) {
    return damaged(concurrency.error());
  }
  auto async = async_from_text(row.text(20));
  if (!async) {
    return damaged(async.error());
  }
  model::Function function;
  function.id = row.text(0);
  function.name = row.text(1);
  function.display_name = row.text(2);
  function.created_ms = row.number(3);
  function.updated_ms = row.number(4);
  function.current = std::move(*version);
  function.revision = static_cast<std::uint64_t>(row.number(17));
  function.aliases = std::move(*aliases);
  function.concurrency = *concurrency;
  function.async = std::move(*async);
  return function;
}

}  // namespace

base::Result<std::unique_ptr<SqliteFunctionStore>> SqliteFunctionStore::open(Database& database) {
  Session session(database);
  Statements statements;
  const std::pair<Statement*, const char*> wanted[] = {
      {&statements.insert_function, kInsertFunction},
      {&statements.insert_version, kInsertVersion},
      {&statements.find, kFind},
      {&statements.list, kList},
      {&statements.advance, kAdvance},
      {&statements.exists, kExists},
      {&statements.remove, kRemove},
      {&statements.own_code, kOwnCode},
      {&statements.versions, kVersions},
      {&statements.find_version, kFindVersion},
      {&statements.touch, kTouch},
      {&statements.version_exists, kVersionExists},
      {&statements.set_alias, kSetAlias},
      {&statements.remove_alias, kRemoveAlias},
      {&statements.set_concurrency, kSetConcurrency},
      {&statements.set_async, kSetAsync},
  };
  if (auto prepared = session.connection().prepare(wanted); !prepared) {
    return prepared.error();
  }
  return std::unique_ptr<SqliteFunctionStore>(new SqliteFunctionStore(database, std::move(statements)));
}

base::Result<void> SqliteFunctionStore::create(const model::Function& function) {
  Transaction transaction(database_);
  if (auto begun = transaction.begin(); !begun) {
    return begun;
  }
  if (auto inserted = insert_function(transaction.connection(), function); !inserted) {
    return inserted;
  }
  if (auto inserted = insert_version(transaction.connection(), function.current, function.id); !inserted) {
    return inserted;
  }
  return transaction.commit();
}

base::Result<void> SqliteFunctionStore::insert_function(Connection& connection,
                                                        const model::Function& function) {
  Query query(connection, statements_.insert_function);
  query.bind(function.id);
  function.name.empty() ? query.bind_null() : query.bind(function.name);
  query.bind(function.display_name)
      .bind(std::int64_t{function.current.number})
      .bind(function.created_ms)
      .bind(function.updated_ms);
  auto done = query.finish("store the function");
  if (!done && connection.hit_unique(/*on_primary_key=*/true)) {
    return base::Error{base::ErrorCode::kAlreadyExists, "there is a function with the id " + function.id};
  }
  if (!done && connection.hit_unique(/*on_primary_key=*/false)) {
    return base::Error{base::ErrorCode::kAlreadyExists, "the name \"" + function.name + "\" is taken"};
  }
  return done;
}

base::Result<void> SqliteFunctionStore::insert_version(Connection& connection, const model::Version& version,
                                                       std::string_view function_id) {
  const std::string environment = environment_to_text(version.environment);
  Query query(connection, statements_.insert_version);
  query.bind(version.id)
      .bind(function_id)
      .bind(std::int64_t{version.number})
      .bind(version.runtime)
      .bind(version.handler)
      .bind(std::int64_t{version.memory_mb})
      .bind(std::int64_t{version.timeout_ms})
      .bind(std::int64_t{version.concurrency})
      .bind(environment)
      .bind(version.code_digest)
      .bind(static_cast<std::int64_t>(version.code_bytes))
      .bind(version.created_ms);
  return query.finish("store the version");
}

base::Result<model::Function> SqliteFunctionStore::find(std::string_view id_or_name) {
  Session session(database_);
  if (auto usable = database_.usable(); !usable) {
    return usable.error();
  }
  return find_in(session.connection(), id_or_name);
}

base::Result<model::Function> SqliteFunctionStore::find_in(Connection& connection,
                                                           std::string_view id_or_name) {
  Query query(connection, statements_.find);
  auto row = query.bind(id_or_name).next("read the function");
  if (!row) {
    return row.error();
  }
  return *row ? read_row(query) : no_such_function(id_or_name);
}

base::Result<std::vector<model::Function>> SqliteFunctionStore::list() {
  Session session(database_);
  if (auto usable = database_.usable(); !usable) {
    return usable.error();
  }
  std::vector<model::Function> functions;
  Query query(session.connection(), statements_.list);
  for (;;) {
    auto row = query.next("list the functions");
    if (!row) {
      return row.error();
    }
    if (!*row) {
      return functions;
    }
    auto function = read_row(query);
    if (!function) {
      return function.error();
    }
    functions.push_back(std::move(*function));
  }
}

base::Result<model::Function> SqliteFunctionStore::add_version(const model::Version& version,
                                                               std::int64_t updated_ms) {
  Transaction transaction(database_);
  if (auto begun = transaction.begin(); !begun) {
    return begun.error();
  }
  if (auto advanced = advance(transaction.connection(), version, updated_ms); !advanced) {
    return advanced.error();
  }
  if (auto inserted = insert_version(transaction.connection(), version, version.function_id); !inserted) {
    return inserted.error();
  }
  return commit_change(transaction, version.function_id);
}

// What the change has made of the function, once it is durable.
base::Result<model::Function> SqliteFunctionStore::commit_change(Transaction& transaction,
                                                                 std::string_view id) {
  auto changed = find_in(transaction.connection(), id);
  if (changed && changed->aliases.size() > model::kAliasesPerFunction) {
    return too_many_aliases();
  }
  if (!changed) {
    return changed;
  }
  if (auto committed = transaction.commit(); !committed) {
    return committed.error();
  }
  return changed;
}

base::Result<void> SqliteFunctionStore::advance(Connection& connection, const model::Version& version,
                                                std::int64_t updated_ms) {
  {
    Query query(connection, statements_.advance);
    query.bind(std::int64_t{version.number}).bind(updated_ms).bind(version.function_id);
    if (auto done = query.finish("advance the function's version"); !done) {
      return done;
    }
  }
  if (connection.changed_rows() == 1) {
    return {};
  }
  if (auto there = exists(connection, version.function_id); !there) {
    return there;
  }
  return base::Error{base::ErrorCode::kBusy,
                     "the function was changed by somebody else meanwhile: read it again"};
}

base::Result<void> SqliteFunctionStore::exists(Connection& connection, std::string_view id) {
  Query query(connection, statements_.exists);
  auto row = query.bind(id).next("read the function");
  if (!row) {
    return row.error();
  }
  return *row ? base::Result<void>() : no_such_function(id);
}

base::Result<std::vector<model::Version>> SqliteFunctionStore::versions(std::string_view function_id,
                                                                        std::uint32_t before,
                                                                        std::size_t limit) {
  Session session(database_);
  if (auto usable = database_.usable(); !usable) {
    return usable.error();
  }
  if (auto there = exists(session.connection(), function_id); !there) {
    return there.error();
  }
  std::vector<model::Version> found;
  Query query(session.connection(), statements_.versions);
  query.bind(function_id).bind(std::int64_t{before}).bind(static_cast<std::int64_t>(limit));
  for (;;) {
    auto row = query.next("list the versions");
    if (!row) {
      return row.error();
    }
    if (!*row) {
      return found;
    }
    auto version = read_version(query, 0);
    if (!version) {
      return version.error();
    }
    found.push_back(std::move(*version));
  }
}

base::Result<model::Version> SqliteFunctionStore::find_version(std::string_view function_id,
                                                               std::uint32_t number) {
  Session session(database_);
  if (auto usable = database_.usable(); !usable) {
    return usable.error();
  }
  Query query(session.connection(), statements_.find_version);
  auto row = query.bind(function_id).bind(std::int64_t{number}).next("read the version");
  if (!row) {
    return row.error();
  }
  return *row ? read_version(query, 0) : no_such_version(number);
}

base::Result<std::vector<std::string>> SqliteFunctionStore::remove(std::string_view id) {
  Transaction transaction(database_);
  if (auto begun = transaction.begin(); !begun) {
    return begun.error();
  }
  auto code = own_code(transaction.connection(), id);
  if (!code) {
    return code;
  }
  {
    Query query(transaction.connection(), statements_.remove);
    if (auto done = query.bind(id).finish("remove the function"); !done) {
      return done.error();
    }
  }
  if (transaction.connection().changed_rows() == 0) {
    return no_such_function(id);
  }
  if (auto committed = transaction.commit(); !committed) {
    return committed.error();
  }
  return code;
}

base::Result<std::vector<std::string>> SqliteFunctionStore::own_code(Connection& connection,
                                                                     std::string_view id) {
  std::vector<std::string> digests;
  Query query(connection, statements_.own_code);
  query.bind(id);
  while (true) {
    auto row = query.next("look for the function's code");
    if (!row) {
      return row.error();
    }
    if (!*row) {
      return digests;
    }
    digests.push_back(query.text(0));
  }
}

}  // namespace hearth::store::sqlite
