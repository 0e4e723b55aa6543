#include "store/sqlite/file_code_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "store/sqlite/store_under_test.h"

namespace {

// Every fsync that the code under test makes comes here (linked with --wrap=fsync).
std::atomic<int> fsyncs_until_failure = -1;

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names
extern "C" int __real_fsync(int fd);
extern "C" int __wrap_fsync(int fd);
extern "C" int __wrap_fsync(int fd) {
  if (fsyncs_until_failure >= 0 && fsyncs_until_failure-- == 0) {
    errno = EIO;
    return -1;
  }
  return __real_fsync(fd);
}
// NOLINTEND(bugprone-reserved-identifier)

namespace hearth::store::sqlite {
namespace {

using base::ErrorCode;
namespace fs = std::filesystem;

class FileCodeStoreTest : public testing::Test {
 protected:
  ~FileCodeStoreTest() override { fsyncs_until_failure = -1; }

  FileCodeStore& code() { return store_.code; }
  std::string blob(const std::string& digest) const {
    return store_.directory->path() + "/code/" + digest.substr(0, 2) + "/" + digest;
  }
  std::size_t blobs() const {
    std::size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(store_.directory->path() + "/code")) {
      files += entry.is_regular_file() ? 1 : 0;
    }
    return files;
  }
  bool tmp_is_empty() const { return fs::is_empty(store_.directory->path() + "/tmp"); }

 private:
  TestFolder folder_;
  OpenStore store_{folder_.path() + "/data"};
};

TEST_F(FileCodeStoreTest, ABlobStandsUnderItsDigestAndTmpIsEmpty) {
  const auto stored = store_bytes(code(), "some code");
  ASSERT_TRUE(stored.ok());
  EXPECT_TRUE(fs::exists(blob(stored->digest)));
  EXPECT_EQ(fs::hard_link_count(blob(stored->digest)), 1U);
  EXPECT_TRUE(store_bytes(code(), "some code").ok());
  EXPECT_EQ(blobs(), 1U);
  EXPECT_TRUE(tmp_is_empty());
}

TEST_F(FileCodeStoreTest, AnUploadInProgressIsInTmpOnlyAndGoesWithItsWriter) {
  auto writer = code().begin(100);
  ASSERT_TRUE((*writer)->append("half of it").ok());
  EXPECT_FALSE(tmp_is_empty());
  EXPECT_EQ(blobs(), 0U);
  writer->reset();
  EXPECT_TRUE(tmp_is_empty());
}

TEST_F(FileCodeStoreTest, AFlippedByteIsFoundWhereverItIs) {
  const std::string bytes(600'000, 'z');  // three pieces of the reader
  const auto stored = store_bytes(code(), bytes);
  for (const std::size_t position : {std::size_t{0}, std::size_t{300'000}, bytes.size() - 1}) {
    {
      std::fstream file(blob(stored->digest), std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(position)).put('Z');
    }
    const auto opened = code().open(stored->digest);
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
    std::fstream(blob(stored->digest), std::ios::in | std::ios::out | std::ios::binary)
        .seekp(static_cast<std::streamoff>(position))
        .put('z');
    EXPECT_TRUE(code().open(stored->digest).ok());
  }
}

TEST_F(FileCodeStoreTest, ATruncatedOrLengthenedBlobIsCorrupt) {
  const auto stored = store_bytes(code(), "some code");
  for (const std::uintmax_t size : {8U, 0U, 4096U}) {
    fs::resize_file(blob(stored->digest), size);
    EXPECT_EQ(code().open(stored->digest).error().code, ErrorCode::kCorrupt);
  }
}

TEST_F(FileCodeStoreTest, StoringTheBytesAgainMendsADamagedBlob) {
  const auto stored = store_bytes(code(), "some code");
  fs::resize_file(blob(stored->digest), 3);
  EXPECT_EQ(store_bytes(code(), "some code")->digest, stored->digest);
  ASSERT_TRUE(code().open(stored->digest).ok());
  EXPECT_EQ(read_to_end(code().open(stored->digest)->get()), "some code");
  EXPECT_TRUE(tmp_is_empty());
}

TEST_F(FileCodeStoreTest, ASymlinkIsNotCode) {
  const auto stored = store_bytes(code(), "some code");
  fs::rename(blob(stored->digest), blob(stored->digest) + "-moved");
  fs::create_symlink(blob(stored->digest) + "-moved", blob(stored->digest));
  EXPECT_FALSE(code().open(stored->digest).ok());
}

TEST_F(FileCodeStoreTest, AfterAFailedFsyncNothingIsKept) {
  for (int good = 0; good < 3; ++good) {  // of the file, of its folder, of code/
    fsyncs_until_failure = good;
    const auto stored = store_bytes(code(), "some code");
    ASSERT_FALSE(stored.ok()) << good;
    EXPECT_EQ(stored.error().code, ErrorCode::kIo);
    EXPECT_EQ(blobs(), 0U) << good;
    EXPECT_TRUE(tmp_is_empty());
  }
  fsyncs_until_failure = 3;  // three suffice
  EXPECT_TRUE(store_bytes(code(), "some code").ok());
}

TEST_F(FileCodeStoreTest, AFailedFsyncOfASecondUploadKeepsTheFirst) {
  const auto stored = store_bytes(code(), "some code");
  fsyncs_until_failure = 2;
  EXPECT_FALSE(store_bytes(code(), "some code").ok());
  EXPECT_TRUE(code().open(stored->digest).ok());
}

TEST_F(FileCodeStoreTest, AWriterCommitsOnce) {
  auto writer = code().begin(3);
  ASSERT_TRUE((*writer)->append("abc").ok());
  EXPECT_TRUE((*writer)->commit().ok());
  EXPECT_FALSE((*writer)->commit().ok());
  EXPECT_EQ(blobs(), 1U);
}

}  // namespace
}  // namespace hearth::store::sqlite
