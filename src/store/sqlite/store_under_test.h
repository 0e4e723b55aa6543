// The embedded store on a folder of a test's own. Tests only.
#pragma once

#include <memory>
#include <string>

#include "store/conformance.h"
#include "store/sqlite/data_directory.h"
#include "store/sqlite/database.h"
#include "store/sqlite/file_code_store.h"
#include "store/sqlite/sqlite_execution_store.h"
#include "store/sqlite/sqlite_function_store.h"
#include "store/sqlite/sqlite_schedule_store.h"

namespace hearth::store::sqlite {

// A new, empty folder, removed with everything in it.
class TestFolder {
 public:
  TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Everything that `main` opens, in its order. A failure to open throws std::runtime_error.
struct OpenStore {
  explicit OpenStore(const std::string& path, Database::OnFatal on_fatal = {});
  std::unique_ptr<DataDirectory> directory;
  std::unique_ptr<Database> database;
  std::unique_ptr<SqliteFunctionStore> functions;
  std::unique_ptr<SqliteExecutionStore> executions;
  std::unique_ptr<SqliteScheduleStore> schedules;
  FileCodeStore code;
};

class SqliteUnderTest final : public StoreUnderTest {
 public:
  FunctionStore& functions() override { return *open_->functions; }
  CodeStore& code() override { return open_->code; }
  ExecutionStore& executions() override { return *open_->executions; }
  ScheduleStore& schedules() override { return *open_->schedules; }
  void reopen() override;

 private:
  TestFolder folder_;
  std::unique_ptr<OpenStore> open_ = std::make_unique<OpenStore>(folder_.path() + "/data");
};

}  // namespace hearth::store::sqlite
