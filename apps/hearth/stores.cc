#include "apps/hearth/stores.h"

#include <sys/statvfs.h>

#include <cstdlib>
#include <utility>

#include "base/ids.h"
#include "base/log.h"
#include "store/postgres/migrations.h"
#include "store/postgres/postgres_change_feed.h"
#include "store/postgres/postgres_code_store.h"
#include "store/postgres/postgres_execution_store.h"
#include "store/postgres/postgres_function_store.h"
#include "store/postgres/postgres_schedule_store.h"
#include "store/sqlite/database.h"
#include "store/sqlite/file_code_store.h"
#include "store/sqlite/sqlite_execution_store.h"
#include "store/sqlite/sqlite_function_store.h"
#include "store/sqlite/sqlite_schedule_store.h"

namespace hearth {
namespace {

namespace postgres = store::postgres;
namespace sqlite = store::sqlite;

// The disk no longer holds what we believe: stop at once and recover at the next start.
[[noreturn]] void end_on_storage_failure(const base::Error& error) {
  spdlog::critical("the store failed: {}; stopping, so that the next start recovers from what the disk holds",
                   error.message);
  spdlog::shutdown();
  std::_Exit(1);
}

class EmbeddedStores final : public Stores {
 public:
  EmbeddedStores(std::unique_ptr<sqlite::Database> database,
                 std::unique_ptr<sqlite::SqliteFunctionStore> functions,
                 std::unique_ptr<sqlite::SqliteExecutionStore> executions,
                 std::unique_ptr<sqlite::SqliteScheduleStore> schedules,
                 const sqlite::DataDirectory& directory)
      : database_(std::move(database)),
        functions_(std::move(functions)),
        executions_(std::move(executions)),
        schedules_(std::move(schedules)),
        code_(directory),
        folder_(directory.path()) {}

  store::FunctionStore& functions() override { return *functions_; }
  store::CodeStore& code() override { return code_; }
  store::ExecutionStore& executions() override { return *executions_; }
  store::ScheduleStore& schedules() override { return *schedules_; }
  store::ChangeFeed* feed() override { return nullptr; }
  std::optional<std::uint64_t> room_bytes() override {
    struct statvfs disk {};
    const auto unused = database_->unused_bytes();
    if (!unused || ::statvfs(folder_.c_str(), &disk) != 0) {
      return std::nullopt;
    }
    return std::uint64_t{disk.f_bavail} * disk.f_frsize + *unused;
  }
  base::Result<void> sweep_code() override { return {}; }  // its own server sees to it at its start

 private:
  const std::unique_ptr<sqlite::Database> database_;
  const std::unique_ptr<sqlite::SqliteFunctionStore> functions_;
  const std::unique_ptr<sqlite::SqliteExecutionStore> executions_;
  const std::unique_ptr<sqlite::SqliteScheduleStore> schedules_;
  sqlite::FileCodeStore code_;
  const std::string folder_;
};

class SharedStores final : public Stores {
 public:
  SharedStores(const postgres::PoolOptions& options, const sqlite::DataDirectory& directory, std::string name)
      : spool_(directory),
        pool_(options),
        functions_(pool_),
        executions_(pool_),
        schedules_(pool_),
        code_(pool_, spool_),
        feed_(pool_, std::move(name)) {}

  base::Result<void> open() {
    if (auto migrated = postgres::migrate(pool_, postgres::migrations()); !migrated) {
      return migrated;
    }
    return sweep_code();
  }

  store::FunctionStore& functions() override { return functions_; }
  store::CodeStore& code() override { return code_; }
  store::ExecutionStore& executions() override { return executions_; }
  store::ScheduleStore& schedules() override { return schedules_; }
  store::ChangeFeed* feed() override { return &feed_; }
  std::optional<std::uint64_t> room_bytes() override { return std::nullopt; }
  base::Result<void> sweep_code() override { return code_.sweep(); }

 private:
  sqlite::FileCodeStore spool_;  // uploads on their way pass through the data directory
  postgres::Pool pool_;
  postgres::PostgresFunctionStore functions_;
  postgres::PostgresExecutionStore executions_;
  postgres::PostgresScheduleStore schedules_;
  postgres::PostgresCodeStore code_;
  postgres::PostgresChangeFeed feed_;
};

base::Result<std::unique_ptr<Stores>> open_embedded(const sqlite::DataDirectory& directory) {
  auto database = sqlite::Database::open(directory.database_path(), end_on_storage_failure);
  if (!database) {
    return database.error();
  }
  auto functions = sqlite::SqliteFunctionStore::open(**database);
  if (!functions) {
    return functions.error();
  }
  auto executions = sqlite::SqliteExecutionStore::open(**database);
  if (!executions) {
    return executions.error();
  }
  auto schedules = sqlite::SqliteScheduleStore::open(**database, **executions);
  if (!schedules) {
    return schedules.error();
  }
  return std::unique_ptr<Stores>(std::make_unique<EmbeddedStores>(
      std::move(*database), std::move(*functions), std::move(*executions), std::move(*schedules), directory));
}

base::Result<std::unique_ptr<Stores>> open_shared(const ServeOptions& options,
                                                  const sqlite::DataDirectory& directory,
                                                  base::Random& random) {
  auto stores = std::make_unique<SharedStores>(
      postgres::PoolOptions{
          options.store, options.store_connections, {options.store_timeout, options.store_timeout}},
      directory, base::make_guid(random));
  if (auto opened = stores->open(); !opened) {
    return opened.error();
  }
  spdlog::info("store: {}", postgres::without_password(options.store));
  return std::unique_ptr<Stores>(std::move(stores));
}

}  // namespace

base::Result<std::unique_ptr<Stores>> open_stores(const ServeOptions& options,
                                                  store::sqlite::DataDirectory& directory,
                                                  base::Random& random) {
  return options.store.empty() ? open_embedded(directory) : open_shared(options, directory, random);
}

}  // namespace hearth
