// A disk of 1 MB, in a mount namespace of the test's own so that it goes with the process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "store/sqlite/store_under_test.h"

namespace hearth::store::sqlite {
namespace {

using base::ErrorCode;
using testing::HasSubstr;
namespace fs = std::filesystem;

class DiskFullTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    private_mounts_ =
        ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  }
  void SetUp() override {
    if (!private_mounts_ || ::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, "size=1m,mode=755") != 0) {
      GTEST_SKIP() << "cannot mount a small disk here: " << std::strerror(errno);
    }
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) {
      EXPECT_EQ(::umount2(folder_.path().c_str(), MNT_DETACH), 0);
    }
  }

  std::string data() const { return folder_.path() + "/data"; }
  std::string filler() const { return folder_.path() + "/filler"; }
  void fill_the_disk() const {
    std::ofstream file(filler(), std::ios::binary);
    const std::string page(4096, 'f');
    while (file.write(page.data(), static_cast<std::streamsize>(page.size())).flush()) {
    }
  }

 private:
  static inline bool private_mounts_ = false;
  TestFolder folder_;
  bool mounted_ = false;
};

TEST_F(DiskFullTest, OpeningSaysSo) {
  fill_the_disk();
  const auto directory = DataDirectory::open(data());
  ASSERT_FALSE(directory.ok());
  EXPECT_EQ(directory.error().code, ErrorCode::kIo);
  EXPECT_THAT(directory.error().message, testing::AllOf(HasSubstr(data()), HasSubstr("the disk is full")));
}

TEST_F(DiskFullTest, OpeningTheDatabaseSaysSo) {
  const auto directory = DataDirectory::open(data());
  ASSERT_TRUE(directory.ok());
  fill_the_disk();
  const auto database = Database::open((*directory)->database_path(), {});
  ASSERT_FALSE(database.ok());
  EXPECT_EQ(database.error().code, ErrorCode::kIo);
  EXPECT_THAT(database.error().message, HasSubstr("the disk is full"));
}

TEST_F(DiskFullTest, CodeThatDoesNotFitIsRefusedAndLeavesNothing) {
  OpenStore store(data());
  const auto kept = store_bytes(store.code, "small");
  const auto refused = store_bytes(store.code, std::string(2'000'000, 'x'));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kIo);
  EXPECT_THAT(refused.error().message, HasSubstr("the disk is full"));
  EXPECT_TRUE(fs::is_empty(data() + "/tmp"));
  EXPECT_TRUE(store.code.open(kept->digest).ok());
  EXPECT_TRUE(store_bytes(store.code, std::string(100'000, 'y')).ok());
}

TEST_F(DiskFullTest, FunctionsAreRefusedKeptAndAcceptedAgainWhenThereIsSpace) {
  bool fatal = false;
  OpenStore store(data(), [&](const base::Error&) { fatal = true; });
  int created = 0;
  base::Error failure;
  fill_the_disk();
  fs::resize_file(filler(), fs::file_size(filler()) - 200'000);
  for (base::Result<void> done; created < 5'000; ++created) {
    done = store.functions->create(sample_function(created));
    if (!done) {
      failure = done.error();
      break;
    }
  }
  EXPECT_GT(created, 0);
  EXPECT_EQ(failure.code, ErrorCode::kIo);
  EXPECT_THAT(failure.message, HasSubstr("the disk is full"));
  EXPECT_FALSE(fatal);  // nothing was half written: no reason to stop
  EXPECT_EQ(store.functions->list()->size(), static_cast<std::size_t>(created));
  fs::remove(filler());
  EXPECT_TRUE(store.functions->create(sample_function(created)).ok());
  EXPECT_EQ(store.functions->list()->size(), static_cast<std::size_t>(created) + 1);
}

TEST_F(DiskFullTest, ExecutionsThatAreRefusedAreNotCounted) {
  OpenStore store(data());
  ExecutionStore& executions = *store.executions;
  const auto batch = [](std::uint64_t number) {
    ExecutionStore::Writes writes;
    for (const char* half : {"a", "b"}) {
      NewExecution execution;
      execution.id = half + std::to_string(number);
      execution.function_id = "f";
      execution.input = std::make_shared<const std::string>(500, '1');
      writes.submissions.push_back(std::move(execution));
    }
    return writes;
  };
  fill_the_disk();
  fs::resize_file(filler(), fs::file_size(filler()) - 200'000);
  std::uint64_t accepted = 0;
  while (accepted < 5'000 && executions.write(batch(accepted)).ok()) {
    ++accepted;
  }
  EXPECT_GT(accepted, 0U);
  EXPECT_THAT(executions.write(batch(accepted)).error().message, HasSubstr("the disk is full"));
  const auto backlog = [&] { return executions.backlog().value(); };
  EXPECT_THAT(backlog(), testing::ElementsAre(Backlog{"f", 2 * accepted, 1'000 * accepted}));
  EXPECT_FALSE(executions.find("a" + std::to_string(accepted)).ok());
  fs::remove(filler());
  EXPECT_TRUE(executions.write(batch(accepted)).ok());
  ++accepted;
  EXPECT_THAT(backlog(), testing::ElementsAre(Backlog{"f", 2 * accepted, 1'000 * accepted}));
}

}  // namespace
}  // namespace hearth::store::sqlite
