// Function metadata in PostgreSQL, for any number of servers. Thread-safe: each operation has a connection of
// its own. Changes are recorded in the order of their commits, for the change feed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/function_store.h"
#include "store/postgres/pool.h"
#include "store/postgres/transaction.h"

namespace hearth::store::postgres {

class PostgresFunctionStore final : public FunctionStore {
 public:
  // `pool` outlives the store; its database has been migrated.
  explicit PostgresFunctionStore(Pool& pool) : pool_(pool) {}
  PostgresFunctionStore(const PostgresFunctionStore&) = delete;
  PostgresFunctionStore& operator=(const PostgresFunctionStore&) = delete;

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
  Pool& pool_;
};

}  // namespace hearth::store::postgres
