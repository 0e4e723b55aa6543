// Function metadata in hearth.db. Thread-safe: one operation at a time holds the database.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/function_store.h"
#include "store/sqlite/database.h"

namespace hearth::store::sqlite {

class SqliteFunctionStore final : public FunctionStore {
 public:
  // `database` outlives the store.
  static base::Result<std::unique_ptr<SqliteFunctionStore>> open(Database& database);
  SqliteFunctionStore(const SqliteFunctionStore&) = delete;
  SqliteFunctionStore& operator=(const SqliteFunctionStore&) = delete;

  base::Result<void> create(const model::Function& function) override;
  base::Result<model::Function> find(std::string_view id_or_name) override;
  base::Result<std::vector<model::Function>> list() override;
  base::Result<model::Function> add_version(const model::Version& version, std::int64_t updated_ms) override;
  base::Result<model::Function> change(std::string_view function_id, const model::FunctionChange& change,
                                       std::int64_t updated_ms) override;
  base::Result<std::vector<model::Version>> versions(std::string_view function_id, std::uint32_t before,
                                                     std::size_t limit) override;
  base::Result<model::Version> find_version(std::string_view function_id, std::uint32_t number) override;
  base::Result<std::vector<std::string>> remove(std::string_view id) override;

 private:
  struct Statements {
    Statement insert_function;
    Statement insert_version;
    Statement find;
    Statement list;
    Statement advance;
    Statement exists;
    Statement remove;
    Statement own_code;
    Statement versions;
    Statement find_version;
    Statement touch;
    Statement version_exists;
    Statement set_alias;
    Statement remove_alias;
    Statement set_concurrency;
    Statement set_async;
  };

  SqliteFunctionStore(Database& database, Statements statements)
      : database_(database), statements_(std::move(statements)) {}
  base::Result<void> insert_function(Connection& connection, const model::Function& function);
  base::Result<void> insert_version(Connection& connection, const model::Version& version,
                                    std::string_view function_id);
  base::Result<std::vector<std::string>> own_code(Connection& connection, std::string_view id);
  base::Result<void> exists(Connection& connection, std::string_view id);
  base::Result<model::Function> find_in(Connection& connection, std::string_view id_or_name);
  base::Result<model::Function> commit_change(Transaction& transaction, std::string_view id);
  base::Result<void> touch(Connection& connection, std::string_view id, std::int64_t updated_ms);
  base::Result<void> version_exists(Connection& connection, std::string_view function_id,
                                    std::uint32_t number);
  base::Result<void> set_alias(Connection& connection, std::string_view function_id,
                               const model::Alias& alias, std::int64_t updated_ms);
  base::Result<void> insert_alias(Connection& connection, std::string_view function_id,
                                  const model::Alias& alias, std::int64_t updated_ms);
  base::Result<void> remove_alias(Connection& connection, std::string_view function_id,
                                  std::string_view name);
  base::Result<void> set_policy(Connection& connection, const Statement& statement,
                                std::string_view function_id, const std::string& text);
  base::Result<void> advance(Connection& connection, const model::Version& version, std::int64_t updated_ms);

  Database& database_;
  const Statements statements_;  // used while the database is held
};

}  // namespace hearth::store::sqlite
