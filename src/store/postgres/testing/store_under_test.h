// The store in a new database of the tests' PostgreSQL. Tests only.
#pragma once

#include <memory>
#include <string>

#include "store/conformance.h"
#include "store/postgres/postgres_code_store.h"
#include "store/postgres/postgres_execution_store.h"
#include "store/postgres/postgres_function_store.h"
#include "store/postgres/postgres_schedule_store.h"
#include "store/sqlite/data_directory.h"
#include "store/sqlite/file_code_store.h"

namespace hearth::store::postgres {

// Everything that a server opens, in its order. A failure throws std::runtime_error.
struct OpenStore {
  OpenStore(const std::string& url, const std::string& folder,
            std::chrono::seconds spared_for = std::chrono::seconds(0));
  std::unique_ptr<sqlite::DataDirectory> directory;
  sqlite::FileCodeStore spool;
  Pool pool;
  PostgresFunctionStore functions{pool};
  PostgresExecutionStore executions{pool};
  PostgresScheduleStore schedules{pool};
  PostgresCodeStore code;
};

class PostgresUnderTest final : public StoreUnderTest {
 public:
  explicit PostgresUnderTest(std::chrono::seconds spared_for = std::chrono::seconds(0));
  PostgresUnderTest(const PostgresUnderTest&) = delete;
  PostgresUnderTest& operator=(const PostgresUnderTest&) = delete;
  ~PostgresUnderTest() override;

  FunctionStore& functions() override { return open_->functions; }
  CodeStore& code() override { return open_->code; }
  ExecutionStore& executions() override { return open_->executions; }
  ScheduleStore& schedules() override { return open_->schedules; }
  void reopen() override;

  const std::string& url() const { return url_; }
  OpenStore& parts() { return *open_; }
  const std::string& folder() const { return folder_; }

 private:
  const std::chrono::seconds spared_for_;
  const std::string url_;
  const std::string folder_;
  std::unique_ptr<OpenStore> open_;
};

}  // namespace hearth::store::postgres
