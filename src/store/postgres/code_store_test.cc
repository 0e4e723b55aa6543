// What the code store in PostgreSQL promises beyond the conformance suite.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "store/postgres/testing/postgres_server.h"
#include "store/postgres/testing/store_under_test.h"

namespace hearth::store::postgres {
namespace {

using base::ErrorCode;

class PostgresCode : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = PostgresServer::hindrance(); !reason.empty()) {
      GTEST_SKIP() << reason;
    }
  }

  static std::int64_t number(OpenStore& store, const std::string& sql) {
    const auto rows = (*store.pool.borrow())->run_text(sql);
    return rows ? rows->number(0, 0) : -1;
  }
  static void run(OpenStore& store, const std::string& sql) {
    const auto done = (*store.pool.borrow())->run_text(sql);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  static std::size_t files_in(const std::string& folder) {
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      files += entry.is_regular_file() && entry.path().filename() != "lock" ? 1 : 0;
    }
    return files;
  }
  // Of several pieces, the last of them in part.
  static std::string large() {
    std::string bytes(1'000'003, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<char>(i * i >> 3U);
    }
    return bytes;
  }
};

TEST_F(PostgresCode, AnotherServerReadsItAndNeitherKeepsAFile) {
  PostgresUnderTest here;
  const std::string other_folder = here.folder() + "/other";
  OpenStore there(here.url(), other_folder);
  const auto stored = store_bytes(here.code(), large());
  ASSERT_TRUE(stored.ok()) << stored.error().message;
  EXPECT_EQ(number(there, "SELECT count(*) FROM code_pieces"), 4);
  const auto before = files_in(here.folder());
  {
    const auto file = there.code.open(stored->digest);
    ASSERT_TRUE(file.ok()) << file.error().message;
    EXPECT_TRUE(read_to_end(file->get()) == large());
  }
  EXPECT_EQ(files_in(here.folder()), before);
}

TEST_F(PostgresCode, DamagedBytesAreFoundAndMendedByTheNextDeploy) {
  PostgresUnderTest store;
  const auto stored = store_bytes(store.code(), large());
  ASSERT_TRUE(stored.ok());
  const std::vector<std::string> damages = {
      "UPDATE code_pieces SET bytes = set_byte(bytes, 7, get_byte(bytes, 7) # 1) WHERE number = 1",
      "DELETE FROM code_pieces WHERE number = 2", "DELETE FROM code_pieces WHERE number = 3",
      "UPDATE code_pieces SET bytes = bytes || bytes WHERE number = 3"};
  for (const std::string& damage : damages) {
    run(store.parts(), damage);
    const auto damaged = store.code().open(stored->digest);
    ASSERT_FALSE(damaged.ok()) << damage;
    EXPECT_EQ(damaged.error().code, ErrorCode::kCorrupt) << damage;
    ASSERT_TRUE(store_bytes(store.code(), large()).ok());
    EXPECT_TRUE(store.code().open(stored->digest).ok()) << damage;
  }
}

TEST_F(PostgresCode, WhatIsReferredToOrNewIsSpared) {
  PostgresUnderTest store(std::chrono::hours(1));
  const auto used = store_bytes(store.code(), "used");
  const auto unused = store_bytes(store.code(), "unused");
  model::Function function = sample_function(1);
  function.current.code_digest = used->digest;
  ASSERT_TRUE(store.functions().create(function).ok());
  ASSERT_TRUE(store.code().remove(unused->digest).ok());
  EXPECT_TRUE(store.code().open(unused->digest).ok()) << "somebody may be about to refer to it";
  run(store.parts(), "UPDATE code SET stored_at = now() - interval '2 hours'");
  ASSERT_TRUE(store.code().remove(used->digest).ok());
  EXPECT_TRUE(store.code().open(used->digest).ok()) << "a version refers to it";
  ASSERT_TRUE(store.parts().code.sweep().ok());
  EXPECT_TRUE(store.code().open(used->digest).ok());
  EXPECT_EQ(store.code().open(unused->digest).error().code, ErrorCode::kNotFound);
}

TEST_F(PostgresCode, StoringItAgainMakesItNewAgain) {
  PostgresUnderTest store(std::chrono::hours(1));
  const auto stored = store_bytes(store.code(), "abc");
  run(store.parts(), "UPDATE code SET stored_at = now() - interval '2 hours'");
  ASSERT_TRUE(store_bytes(store.code(), "abc").ok());
  ASSERT_TRUE(store.parts().code.sweep().ok());
  EXPECT_TRUE(store.code().open(stored->digest).ok());
}

}  // namespace
}  // namespace hearth::store::postgres
