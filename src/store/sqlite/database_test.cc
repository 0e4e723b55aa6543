#include "store/sqlite/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "store/sqlite/faulty_vfs.h"
#include "store/sqlite/store_under_test.h"

namespace hearth::store::sqlite {
namespace {

using base::ErrorCode;
using testing::HasSubstr;

class DatabaseTest : public testing::Test {
 protected:
  DatabaseTest() { faulty_sync().calls = 0; }
  ~DatabaseTest() override {
    faulty_sync().log_fails = false;
    faulty_sync().database_fails = false;
  }

  std::string data() const { return folder_.path() + "/data"; }
  std::string file() const { return data() + "/hearth.db"; }

  std::string one_value(Connection& connection, const char* sql) {
    auto statement = connection.prepare(sql);
    EXPECT_TRUE(statement.ok()) << statement.error().message;
    Query query(connection, *statement);
    EXPECT_TRUE(*query.next("read"));
    return query.text(0);
  }

  int fatal_calls_ = 0;
  Database::OnFatal count_fatal() {
    return [this](const base::Error&) { ++fatal_calls_; };
  }

 private:
  TestFolder folder_;
};

TEST_F(DatabaseTest, RunsInTheDurableMode) {
  const OpenStore store(data());
  Session session(*store.database);
  EXPECT_EQ(one_value(session.connection(), "PRAGMA journal_mode"), "wal");
  EXPECT_EQ(one_value(session.connection(), "PRAGMA synchronous"), "2");
  EXPECT_EQ(one_value(session.connection(), "PRAGMA foreign_keys"), "1");
}

TEST_F(DatabaseTest, EveryCommitIsSynced) {
  const OpenStore store(data());
  const int before = faulty_sync().calls;
  ASSERT_TRUE(store.functions->create(sample_function(1)).ok());
  EXPECT_GE(faulty_sync().calls, before + 1);
}

TEST_F(DatabaseTest, AFailedFsyncStopsAllWorkAndIsNeverRepeated) {
  {
    const OpenStore store(data(), count_fatal());
    ASSERT_TRUE(store.functions->create(sample_function(1)).ok());
    EXPECT_FALSE(store.database->failed());
    faulty_sync().log_fails = true;
    const auto created = store.functions->create(sample_function(2));
    ASSERT_FALSE(created.ok());
    EXPECT_EQ(created.error().code, ErrorCode::kIo);
    EXPECT_TRUE(store.database->failed());
    EXPECT_EQ(fatal_calls_, 1);

    faulty_sync().log_fails = false;  // as the kernel does: the second fsync reports nothing
    faulty_sync().calls = 0;
    EXPECT_EQ(store.functions->create(sample_function(3)).error().code, ErrorCode::kIo);
    EXPECT_EQ(store.functions->remove(sample_function(1).id).error().code, ErrorCode::kIo);
    EXPECT_THAT(store.functions->find(sample_function(1).id).error().message, HasSubstr("restart"));
    EXPECT_EQ(store.functions->list().error().code, ErrorCode::kIo);
    EXPECT_EQ(fatal_calls_, 1);
  }
  EXPECT_EQ(faulty_sync().calls, 0);  // not even when the database was closed
  const OpenStore recovered(data());
  EXPECT_TRUE(recovered.functions->find(sample_function(1).id).ok());
  EXPECT_FALSE(recovered.functions->find(sample_function(3).id).ok());
}

TEST_F(DatabaseTest, AFailedCheckpointStopsAllWorkButKeepsWhatWasCommitted) {
  int created = 0;
  {
    const OpenStore store(data(), count_fatal());
    faulty_sync().database_fails = true;
    while (!store.database->failed() && created < 2'000 &&
           store.functions->create(sample_function(created)).ok()) {
      ++created;
    }
    EXPECT_TRUE(store.database->failed());
    EXPECT_EQ(fatal_calls_, 1);
  }
  faulty_sync().database_fails = false;
  const OpenStore recovered(data());
  EXPECT_EQ(recovered.functions->list()->size(), static_cast<std::size_t>(created));
}

TEST_F(DatabaseTest, TheLogIsCheckpointedAndStaysSmall) {
  const OpenStore store(data());
  model::Function function = sample_function(1);
  function.current.environment["LARGE"] = std::string(40'000, 'x');
  for (int i = 0; i < 600; ++i) {  // some 48 MB through the log
    ASSERT_TRUE(store.functions->create(function).ok());
    ASSERT_TRUE(store.functions->remove(function.id).ok());
  }
  EXPECT_LT(std::filesystem::file_size(file() + "-wal"), 18'000'000U);
}

TEST_F(DatabaseTest, DamageIsCalledDamage) {
  { const OpenStore store(data()); }
  std::ofstream(file(), std::ios::trunc) << std::string(8192, 'x');
  const auto database = Database::open(file(), {});
  ASSERT_FALSE(database.ok());
  EXPECT_EQ(database.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(database.error().message, HasSubstr(file()));
}

TEST_F(DatabaseTest, ATruncatedDatabaseIsCalledDamaged) {
  {
    const OpenStore store(data());
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(store.functions->create(sample_function(i)).ok());
    }
  }
  std::filesystem::resize_file(file(), 3 * 4096);
  const auto database = Database::open(file(), {});
  if (!database.ok()) {
    EXPECT_EQ(database.error().code, ErrorCode::kCorrupt);
    return;
  }
  const auto functions = SqliteFunctionStore::open(**database);
  ASSERT_TRUE(functions.ok());
  const auto list = (*functions)->list();
  ASSERT_FALSE(list.ok());
  EXPECT_EQ(list.error().code, ErrorCode::kCorrupt);
}

TEST_F(DatabaseTest, ADamagedEnvironmentNamesItsFunction) {
  const OpenStore store(data());
  ASSERT_TRUE(store.functions->create(sample_function(1)).ok());
  {
    Session session(*store.database);
    ASSERT_TRUE(session.connection().run("UPDATE versions SET environment = '{\"A\": 1}'").ok());
  }
  const auto found = store.functions->find(sample_function(1).id);
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(found.error().message, HasSubstr(sample_function(1).id));
}

TEST_F(DatabaseTest, ATransactionWithoutCommitIsUndone) {
  const OpenStore store(data());
  ASSERT_TRUE(store.functions->create(sample_function(1)).ok());
  {
    Transaction transaction(*store.database);
    ASSERT_TRUE(transaction.begin().ok());
    ASSERT_TRUE(transaction.connection().run("DELETE FROM functions").ok());
  }
  EXPECT_EQ(store.functions->list()->size(), 1U);
}

TEST_F(DatabaseTest, AMissingFolderIsSaid) {
  const auto database = Database::open(data() + "/none/hearth.db", {});
  ASSERT_FALSE(database.ok());
  EXPECT_EQ(database.error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace hearth::store::sqlite
