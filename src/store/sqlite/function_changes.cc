// Changes of functions in hearth.db that make no version: a part of SqliteFunctionStore.
#include "store/alias_text.h"
#include "store/policy_text.h"
#include "store/sqlite/sqlite_function_store.h"

namespace hearth::store::sqlite {

base::Result<model::Function> SqliteFunctionStore::change(std::string_view function_id,
                                                          const model::FunctionChange& change,
                                                          std::int64_t updated_ms) {
  Transaction transaction(database_);
  if (auto begun = transaction.begin(); !begun) {
    return begun.error();
  }
  Connection& connection = transaction.connection();
  if (auto touched = touch(connection, function_id, updated_ms); !touched) {
    return touched.error();
  }
  base::Result<void> done;
  if (const auto* alias = std::get_if<model::Alias>(&change)) {
    done = set_alias(connection, function_id, *alias, updated_ms);
  } else if (const auto* removed = std::get_if<model::RemovedAlias>(&change)) {
    done = remove_alias(connection, function_id, removed->name);
  } else if (const auto* concurrency = std::get_if<model::Concurrency>(&change)) {
    done =
        set_policy(connection, statements_.set_concurrency, function_id, concurrency_to_text(*concurrency));
  } else {
    done = set_policy(connection, statements_.set_async, function_id,
                      async_to_text(std::get<model::AsyncPolicy>(change)));
  }
  return done ? commit_change(transaction, function_id) : done.error();
}

base::Result<void> SqliteFunctionStore::set_alias(Connection& connection, std::string_view function_id,
                                                  const model::Alias& alias, std::int64_t updated_ms) {
  auto done = version_exists(connection, function_id, alias.version);
  if (done && alias.canary) {
    done = version_exists(connection, function_id, alias.canary->version);
  }
  return done ? insert_alias(connection, function_id, alias, updated_ms) : done;
}

base::Result<void> SqliteFunctionStore::remove_alias(Connection& connection, std::string_view function_id,
                                                     std::string_view name) {
  {
    Query query(connection, statements_.remove_alias);
    if (auto done = query.bind(function_id).bind(name).finish("remove the alias"); !done) {
      return done;
    }
  }
  return connection.changed_rows() == 1 ? base::Result<void>() : no_such_alias(name);
}

base::Result<void> SqliteFunctionStore::set_policy(Connection& connection, const Statement& statement,
                                                   std::string_view function_id, const std::string& text) {
  Query query(connection, statement);
  return query.bind(text).bind(function_id).finish("change the function");
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
