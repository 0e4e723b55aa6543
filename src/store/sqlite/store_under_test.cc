#include "store/sqlite/store_under_test.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace hearth::store::sqlite {
namespace {

template <typename T>
T opened(base::Result<T> result) {
  if (!result) {
    throw std::runtime_error(result.error().message);
  }
  return std::move(*result);
}

// In memory where there is such a place: the tests ask for thousands of fsyncs.
std::string parent_of_test_folders() {
  return std::filesystem::is_directory("/dev/shm") ? "/dev/shm/" : testing::TempDir();
}

}  // namespace

TestFolder::TestFolder() : path_(parent_of_test_folders() + "hearth-store-XXXXXX") {
  if (::mkdtemp(path_.data()) == nullptr) {
    throw std::runtime_error("cannot make a folder like " + path_);
  }
}

TestFolder::~TestFolder() {
  std::error_code ignored;  // a test may have removed it
  std::filesystem::remove_all(path_, ignored);
}

OpenStore::OpenStore(const std::string& path, Database::OnFatal on_fatal)
    : directory(opened(DataDirectory::open(path))),
      database(opened(Database::open(directory->database_path(), std::move(on_fatal)))),
      functions(opened(SqliteFunctionStore::open(*database))),
      executions(opened(SqliteExecutionStore::open(*database))),
      schedules(opened(SqliteScheduleStore::open(*database, *executions))),
      code(*directory) {}

void SqliteUnderTest::reopen() {
  open_.reset();  // the lock is free before it is taken again
  open_ = std::make_unique<OpenStore>(folder_.path() + "/data");
}

}  // namespace hearth::store::sqlite

namespace hearth::store {

std::vector<StoreBackend> store_backends() {
  return {{"Sqlite", [] { return std::make_unique<sqlite::SqliteUnderTest>(); }}};
}

}  // namespace hearth::store
