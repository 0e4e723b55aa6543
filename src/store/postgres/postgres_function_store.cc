#include "store/postgres/postgres_function_store.h"

#include "store/alias_text.h"
#include "store/environment_text.h"
#include "store/policy_text.h"
#include "store/postgres/function_rows.h"

namespace hearth::store::postgres {
namespace {

// Changes are committed one after the other: the order of their sequence numbers is that of their commits.
constexpr Statement kOneAtATime{"change_lock", "SELECT pg_advisory_xact_lock(7135002180043522)"};
constexpr Statement kRecord{
    "change_record",
    "WITH made AS (INSERT INTO changes (sequence, function_id) "
    "SELECT COALESCE(MAX(sequence), 0) + 1, $1 FROM changes RETURNING sequence), "
    "old AS (DELETE FROM changes WHERE sequence <= (SELECT sequence FROM made) - 100000) "
    "SELECT pg_notify('hearth_changes', '') FROM made"};

constexpr Statement kInsertFunction{
    "function_insert",
    "INSERT INTO functions (id, name, display_name, current_number, created_ms, updated_ms) "
    "VALUES ($1, $2, $3, $4, $5, $6)"};
constexpr Statement kInsertVersion{
    "version_insert",
    "INSERT INTO versions (id, function_id, number, runtime, handler, memory_mb, timeout_ms, concurrency, "
    "environment, code_digest, code_bytes, created_ms) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"};
// An id wins over a name that looks the same.
constexpr Statement kFind{"function_find", HEARTH_SELECT_FUNCTION
                          "WHERE f.id = $1 OR f.name = $1 ORDER BY (f.id = $1) DESC LIMIT 1"};
constexpr Statement kList{"function_list", HEARTH_SELECT_FUNCTION "ORDER BY f.created_ms, f.id"};
constexpr Statement kAdvance{
    "function_advance",
    "UPDATE functions SET current_number = $1, updated_ms = $2, revision = revision + 1 "
    "WHERE id = $3 AND current_number = $1 - 1"};
constexpr Statement kExists{"function_exists", "SELECT 1 FROM functions WHERE id = $1"};
constexpr Statement kTouch{"function_touch",
                           "UPDATE functions SET updated_ms = $1, revision = revision + 1 WHERE id = $2"};
constexpr Statement kVersionExists{"version_exists",
                                   "SELECT 1 FROM versions WHERE function_id = $1 AND number = $2"};
constexpr Statement kSetAlias{
    "alias_set",
    "INSERT INTO aliases (function_id, name, version, canary_version, canary_per_mille, updated_ms) "
    "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (function_id, name) DO UPDATE SET version = $3, "
    "canary_version = $4, canary_per_mille = $5, updated_ms = $6"};
constexpr Statement kRemoveAlias{"alias_remove", "DELETE FROM aliases WHERE function_id = $1 AND name = $2"};
constexpr Statement kSetConcurrency{"concurrency_set", "UPDATE functions SET concurrency = $1 WHERE id = $2"};
constexpr Statement kSetAsync{"async_set", "UPDATE functions SET async = $1 WHERE id = $2"};
constexpr Statement kRemove{"function_remove", "DELETE FROM functions WHERE id = $1"};
constexpr Statement kVersions{"version_list",
                              "SELECT " HEARTH_VERSION_COLUMNS
                              "FROM versions v WHERE v.function_id = $1 AND ($2 = 0 OR v.number < $2) "
                              "ORDER BY v.number DESC LIMIT $3"};
constexpr Statement kFindVersion{"version_find",
                                 "SELECT " HEARTH_VERSION_COLUMNS
                                 "FROM versions v WHERE v.function_id = $1 AND v.number = $2"};
// Code of this function's versions that no version of another has.
constexpr Statement kOwnCode{"function_own_code",
                             "SELECT DISTINCT code_digest FROM versions WHERE function_id = $1 EXCEPT "
                             "SELECT code_digest FROM versions WHERE function_id <> $1 ORDER BY 1"};

base::Error no_such_function(std::string_view id_or_name) {
  return {base::ErrorCode::kNotFound, "there is no function \"" + std::string(id_or_name) + "\""};
}

base::Result<Transaction> begin_change(Pool& pool) {
  auto transaction = Transaction::begin(pool);
  if (transaction) {
    if (auto locked = transaction->run(kOneAtATime, {}); !locked) {
      return locked.error();
    }
  }
  return transaction;
}

base::Result<void> commit_change(Transaction& transaction, std::string_view function_id) {
  if (auto recorded = transaction.run(kRecord, {Parameter::text(function_id)}); !recorded) {
    return recorded.error();
  }
  return transaction.commit();
}

// What the change has made of the function, once it is durable.
base::Result<model::Function> commit_and_tell(Transaction& transaction, std::string_view function_id) {
  const auto rows = transaction.run(kFind, {Parameter::text(function_id)});
  if (!rows) {
    return rows.error();
  }
  auto changed = rows->count() == 0 ? no_such_function(function_id) : read_function(*rows, 0);
  if (changed && changed->aliases.size() > model::kAliasesPerFunction) {
    return too_many_aliases();
  }
  if (!changed) {
    return changed;
  }
  if (auto committed = commit_change(transaction, function_id); !committed) {
    return committed.error();
  }
  return changed;
}

base::Result<void> insert_function(Transaction& transaction, const model::Function& function) {
  auto done = transaction.run(
      kInsertFunction, {Parameter::text(function.id),
                        function.name.empty() ? Parameter::null() : Parameter::text(function.name),
                        Parameter::text(function.display_name), Parameter::number(function.current.number),
                        Parameter::number(function.created_ms), Parameter::number(function.updated_ms)});
  if (done) {
    return {};
  }
  if (done.error().code == base::ErrorCode::kAlreadyExists) {
    const bool name = done.error().message.starts_with("functions_name:");
    return base::Error{base::ErrorCode::kAlreadyExists,
                       name ? "the name \"" + function.name + "\" is taken"
                            : "there is a function with the id " + function.id};
  }
  return done.error();
}

base::Result<void> insert_version(Transaction& transaction, const model::Version& version,
                                  std::string_view function_id) {
  auto done = transaction.run(
      kInsertVersion,
      {Parameter::text(version.id), Parameter::text(function_id), Parameter::number(version.number),
       Parameter::text(version.runtime), Parameter::text(version.handler),
       Parameter::number(version.memory_mb), Parameter::number(version.timeout_ms),
       Parameter::number(version.concurrency), Parameter::bytes(environment_to_text(version.environment)),
       Parameter::text(version.code_digest), Parameter::number(static_cast<std::int64_t>(version.code_bytes)),
       Parameter::number(version.created_ms)});
  if (!done && done.error().code == base::ErrorCode::kAlreadyExists) {
    return base::Error{base::ErrorCode::kAlreadyExists, "there is a version with the id " + version.id};
  }
  return done ? base::Result<void>() : done.error();
}

// Moves the function to its next version, if it is still at the one before.
base::Result<void> advance(Transaction& transaction, const model::Version& version, std::int64_t updated_ms) {
  const auto done =
      transaction.run(kAdvance, {Parameter::number(version.number), Parameter::number(updated_ms),
                                 Parameter::text(version.function_id)});
  if (!done) {
    return done.error();
  }
  if (done->changed() == 1) {
    return {};
  }
  const auto exists = transaction.run(kExists, {Parameter::text(version.function_id)});
  if (!exists) {
    return exists.error();
  }
  if (exists->count() == 0) {
    return no_such_function(version.function_id);
  }
  return base::Error{base::ErrorCode::kBusy,
                     "the function was changed by somebody else meanwhile: read it again"};
}

base::Result<void> touch(Transaction& transaction, std::string_view function_id, std::int64_t updated_ms) {
  const auto done = transaction.run(kTouch, {Parameter::number(updated_ms), Parameter::text(function_id)});
  if (!done) {
    return done.error();
  }
  return done->changed() == 1 ? base::Result<void>() : no_such_function(function_id);
}

base::Result<void> version_exists(Transaction& transaction, std::string_view function_id,
                                  std::uint32_t number) {
  const auto found =
      transaction.run(kVersionExists, {Parameter::text(function_id), Parameter::number(number)});
  if (!found) {
    return found.error();
  }
  return found->count() == 1 ? base::Result<void>() : no_such_version(number);
}

base::Result<void> set_alias(Transaction& transaction, std::string_view function_id,
                             const model::Alias& alias, std::int64_t updated_ms) {
  const auto& canary = alias.canary;
  auto there = version_exists(transaction, function_id, alias.version);
  if (there && canary) {
    there = version_exists(transaction, function_id, canary->version);
  }
  if (!there) {
    return there;
  }
  const auto done = transaction.run(
      kSetAlias,
      {Parameter::text(function_id), Parameter::text(alias.name), Parameter::number(alias.version),
       canary ? Parameter::number(canary->version) : Parameter::null(),
       canary ? Parameter::number(canary->per_mille) : Parameter::null(), Parameter::number(updated_ms)});
  return done ? base::Result<void>() : done.error();
}

base::Result<void> remove_alias(Transaction& transaction, std::string_view function_id,
                                std::string_view name) {
  const auto removed = transaction.run(kRemoveAlias, {Parameter::text(function_id), Parameter::text(name)});
  if (!removed) {
    return removed.error();
  }
  return removed->changed() == 1 ? base::Result<void>() : no_such_alias(name);
}

base::Result<void> set_policy(Transaction& transaction, const Statement& statement,
                              std::string_view function_id, const std::string& text) {
  const auto done = transaction.run(statement, {Parameter::text(text), Parameter::text(function_id)});
  return done ? base::Result<void>() : done.error();
}

}  // namespace

base::Result<void> PostgresFunctionStore::create(const model::Function& function) {
  auto transaction = begin_change(pool_);
  if (!transaction) {
    return transaction.error();
  }
  if (auto inserted = insert_function(*transaction, function); !inserted) {
    return inserted;
  }
  if (auto inserted = insert_version(*transaction, function.current, function.id); !inserted) {
    return inserted;
  }
  return commit_change(*transaction, function.id);
}

base::Result<model::Function> PostgresFunctionStore::find(std::string_view id_or_name) {
  auto connection = pool_.borrow();
  if (!connection) {
    return connection.error();
  }
  const auto rows = (*connection)->run(kFind, {Parameter::text(id_or_name)});
  if (!rows) {
    return rows.error();
  }
  return rows->count() == 0 ? no_such_function(id_or_name) : read_function(*rows, 0);
}

base::Result<std::vector<model::Function>> PostgresFunctionStore::list() {
  auto connection = pool_.borrow();
  if (!connection) {
    return connection.error();
  }
  const auto rows = (*connection)->run(kList, {});
  if (!rows) {
    return rows.error();
  }
  std::vector<model::Function> functions;
  functions.reserve(static_cast<std::size_t>(rows->count()));
  for (int row = 0; row < rows->count(); ++row) {
    auto function = read_function(*rows, row);
    if (!function) {
      return function.error();
    }
    functions.push_back(std::move(*function));
  }
  return functions;
}

base::Result<std::vector<model::Version>> PostgresFunctionStore::versions(std::string_view function_id,
                                                                          std::uint32_t before,
                                                                          std::size_t limit) {
  auto connection = pool_.borrow();
  if (!connection) {
    return connection.error();
  }
  const auto rows = (*connection)
                        ->run(kVersions, {Parameter::text(function_id), Parameter::number(before),
                                          Parameter::number(static_cast<std::int64_t>(limit))});
  if (!rows) {
    return rows.error();
  }
  std::vector<model::Version> found;
  found.reserve(static_cast<std::size_t>(rows->count()));
  for (int row = 0; row < rows->count(); ++row) {
    auto version = read_version(*rows, row);
    if (!version) {
      return version.error();
    }
    found.push_back(std::move(*version));
  }
  if (found.empty()) {  // all have one: perhaps none is older, perhaps there is no such function
    const auto there = (*connection)->run(kExists, {Parameter::text(function_id)});
    if (!there || there->count() == 0) {
      return there ? no_such_function(function_id) : there.error();
    }
  }
  return found;
}

base::Result<model::Version> PostgresFunctionStore::find_version(std::string_view function_id,
                                                                 std::uint32_t number) {
  auto connection = pool_.borrow();
  if (!connection) {
    return connection.error();
  }
  const auto rows =
      (*connection)->run(kFindVersion, {Parameter::text(function_id), Parameter::number(number)});
  if (!rows) {
    return rows.error();
  }
  if (rows->count() == 0) {
    return no_such_version(number);
  }
  return read_version(*rows, 0);
}

base::Result<model::Function> PostgresFunctionStore::add_version(const model::Version& version,
                                                                 std::int64_t updated_ms) {
  auto transaction = begin_change(pool_);
  if (!transaction) {
    return transaction.error();
  }
  if (auto advanced = advance(*transaction, version, updated_ms); !advanced) {
    return advanced.error();
  }
  if (auto inserted = insert_version(*transaction, version, version.function_id); !inserted) {
    return inserted.error();
  }
  return commit_and_tell(*transaction, version.function_id);
}

base::Result<model::Function> PostgresFunctionStore::change(std::string_view function_id,
                                                            const model::FunctionChange& change,
                                                            std::int64_t updated_ms) {
  auto transaction = begin_change(pool_);
  if (!transaction) {
    return transaction.error();
  }
  if (auto touched = touch(*transaction, function_id, updated_ms); !touched) {
    return touched.error();
  }
  base::Result<void> done;
  if (const auto* alias = std::get_if<model::Alias>(&change)) {
    done = set_alias(*transaction, function_id, *alias, updated_ms);
  } else if (const auto* removed = std::get_if<model::RemovedAlias>(&change)) {
    done = remove_alias(*transaction, function_id, removed->name);
  } else if (const auto* concurrency = std::get_if<model::Concurrency>(&change)) {
    done = set_policy(*transaction, kSetConcurrency, function_id, concurrency_to_text(*concurrency));
  } else {
    done =
        set_policy(*transaction, kSetAsync, function_id, async_to_text(std::get<model::AsyncPolicy>(change)));
  }
  return done ? commit_and_tell(*transaction, function_id) : done.error();
}

base::Result<std::vector<std::string>> PostgresFunctionStore::remove(std::string_view id) {
  auto transaction = begin_change(pool_);
  if (!transaction) {
    return transaction.error();
  }
  const auto code = transaction->run(kOwnCode, {Parameter::text(id)});
  if (!code) {
    return code.error();
  }
  const auto removed = transaction->run(kRemove, {Parameter::text(id)});
  if (!removed) {
    return removed.error();
  }
  if (removed->changed() == 0) {
    return no_such_function(id);
  }
  if (auto committed = commit_change(*transaction, id); !committed) {
    return committed.error();
  }
  std::vector<std::string> digests;
  digests.reserve(static_cast<std::size_t>(code->count()));
  for (int row = 0; row < code->count(); ++row) {
    digests.push_back(code->text(row, 0));
  }
  return digests;
}

}  // namespace hearth::store::postgres
