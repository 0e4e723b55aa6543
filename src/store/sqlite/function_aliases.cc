// The aliases of functions in hearth.db: a part of SqliteFunctionStore.
#include "store/alias_text.h"
#include "store/sqlite/sqlite_function_store.h"

namespace hearth::store::sqlite {

base::Result<model::Function> SqliteFunctionStore::set_alias(std::string_view function_id,
                                                             const model::Alias& alias,
                                                             std::int64_t updated_ms) {
  Transaction transaction(database_);
  if (auto begun = transaction.begin(); !begun) {
    return begun.error();
  }
  Connection& connection = transaction.connection();
  auto done = touch(connection, function_id, updated_ms);
  if (done) {
    done = version_exists(connection, function_id, alias.version);
  }
  if (done && alias.canary) {
    done = version_exists(connection, function_id, alias.canary->version);
  }
  if (done) {
    done = insert_alias(connection, function_id, alias, updated_ms);
  }
  return done ? commit_change(transaction, function_id) : done.error();
}

base::Result<model::Function> SqliteFunctionStore::remove_alias(std::string_view function_id,
                                                                std::string_view name,
                                                                std::int64_t updated_ms) {
  Transaction transaction(database_);
  if (auto begun = transaction.begin(); !begun) {
    return begun.error();
  }
  Connection& connection = transaction.connection();
  if (auto touched = touch(connection, function_id, updated_ms); !touched) {
    return touched.error();
  }
  {
    Query query(connection, statements_.remove_alias);
    if (auto done = query.bind(function_id).bind(name).finish("remove the alias"); !done) {
      return done.error();
    }
  }
  return connection.changed_rows() == 1 ? commit_change(transaction, function_id) : no_such_alias(name);
}

base::Result<void> SqliteFunctionStore::touch(Connection& connection, std::string_view id,
                                              std::int64_t updated_ms) {
  {
    Query query(connection, statements_.touch);
    if (auto done = query.bind(updated_ms).bind(id).finish("change the function"); !done) {
      return done;
    }
  }
  return connection.changed_rows() == 1 ? base::Result<void>() : exists(connection, id);
}

base::Result<void> SqliteFunctionStore::version_exists(Connection& connection, std::string_view function_id,
                                                       std::uint32_t number) {
  Query query(connection, statements_.version_exists);
  auto row = query.bind(function_id).bind(std::int64_t{number}).next("read the version");
  if (!row) {
    return row.error();
  }
  return *row ? base::Result<void>() : no_such_version(number);
}

base::Result<void> SqliteFunctionStore::insert_alias(Connection& connection, std::string_view function_id,
                                                     const model::Alias& alias, std::int64_t updated_ms) {
  Query query(connection, statements_.set_alias);
  query.bind(function_id).bind(alias.name).bind(std::int64_t{alias.version});
  if (alias.canary) {
    query.bind(std::int64_t{alias.canary->version}).bind(std::int64_t{alias.canary->per_mille});
  } else {
    query.bind_null().bind_null();
  }
  return query.bind(updated_ms).finish("store the alias");
}

}  // namespace hearth::store::sqlite
