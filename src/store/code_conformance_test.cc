// What every code store promises, whatever it is built on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "store/conformance.h"

namespace hearth::store {
namespace {

using base::ErrorCode;

constexpr std::string_view kAbcDigest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr std::string_view kEmptyDigest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

class CodeStoreConformance : public testing::TestWithParam<StoreBackend> {
 protected:
  CodeStore& code() { return store_->code(); }
  void reopen() { store_->reopen(); }

  void expect_absent(std::string_view digest) {
    const auto file = code().open(digest);
    ASSERT_FALSE(file.ok());
    EXPECT_EQ(file.error().code, ErrorCode::kNotFound);
  }
  void expect_bytes(std::string_view digest, std::string_view bytes) {
    const auto file = code().open(digest);
    ASSERT_TRUE(file.ok()) << file.error().message;
    EXPECT_TRUE(read_to_end(file->get()) == bytes);
  }

 private:
  std::unique_ptr<StoreUnderTest> store_ = GetParam().make();
};

TEST_P(CodeStoreConformance, WhatWasStoredIsReadBackByItsDigest) {
  const auto stored = store_bytes(code(), "abc");
  ASSERT_TRUE(stored.ok()) << stored.error().message;
  EXPECT_EQ(*stored, (StoredCode{std::string(kAbcDigest), 3}));
  expect_bytes(kAbcDigest, "abc");
}

TEST_P(CodeStoreConformance, NothingIsABlobToo) {
  EXPECT_EQ(store_bytes(code(), "")->digest, kEmptyDigest);
  expect_bytes(kEmptyDigest, "");
}

TEST_P(CodeStoreConformance, PiecesBecomeOneBlob) {
  std::string bytes;
  auto writer = code().begin(10'000'000);
  ASSERT_TRUE(writer.ok());
  for (int i = 0; i < 100; ++i) {
    const std::string piece(static_cast<std::size_t>(i) * 100, static_cast<char>(i));
    ASSERT_TRUE((*writer)->append(piece).ok());
    bytes += piece;
  }
  const auto stored = (*writer)->commit();
  ASSERT_TRUE(stored.ok());
  EXPECT_EQ(stored->bytes, bytes.size());
  expect_bytes(stored->digest, bytes);
}

TEST_P(CodeStoreConformance, TheLimitIsTheLastByteThatFits) {
  auto writer = code().begin(3);
  ASSERT_TRUE((*writer)->append("ab").ok());
  const auto refused = (*writer)->append("cd");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kTooLarge);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("limit of 3 bytes"));
  writer->reset();
  expect_absent("fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603");  // "ab"
  EXPECT_TRUE(store_bytes(code(), "abc").ok());                                       // a limit of three
}

TEST_P(CodeStoreConformance, NothingIsVisibleBeforeCommitNorLeftWithoutIt) {
  auto writer = code().begin(3);
  ASSERT_TRUE((*writer)->append("abc").ok());
  expect_absent(kAbcDigest);
  writer->reset();
  expect_absent(kAbcDigest);
  reopen();
  expect_absent(kAbcDigest);
}

TEST_P(CodeStoreConformance, AnUploadCanBeCheckedBeforeItsCommit) {
  auto writer = code().begin(6);
  ASSERT_TRUE((*writer)->append("abc").ok());
  const auto first = (*writer)->reopen();
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(read_to_end(first->get()), "abc");
  ASSERT_TRUE((*writer)->append("def").ok());
  EXPECT_EQ(read_to_end((*writer)->reopen()->get()), "abcdef");
  EXPECT_EQ((*writer)->commit()->bytes, 6U);
}

TEST_P(CodeStoreConformance, TheSameBytesTwiceAreOneBlob) {
  EXPECT_EQ(*store_bytes(code(), "abc"), *store_bytes(code(), "abc"));
  expect_bytes(kAbcDigest, "abc");
  ASSERT_TRUE(code().remove(kAbcDigest).ok());
  expect_absent(kAbcDigest);
}

TEST_P(CodeStoreConformance, FourWritersOfTheSameBytesAllSucceed) {
  const std::string bytes(300'000, 'x');
  std::atomic<int> stored = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 5; ++round) {
        const auto done = store_bytes(code(), bytes);
        stored += done.ok() && code().open(done->digest).ok() ? 1 : 0;
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(stored, 20);
}

TEST_P(CodeStoreConformance, WhatIsNoDigestIsNotFound) {
  for (const std::string_view digest :
       {"", "abc", "../../../../etc/passwd", "BA7816BF8F01CFEA414140DE5DAE2223"}) {
    expect_absent(digest);
    EXPECT_TRUE(code().remove(digest).ok());
  }
  expect_absent(std::string(62, 'a') + "/x");
  expect_absent(std::string(64, 'A'));
  expect_absent(kAbcDigest);
}

TEST_P(CodeStoreConformance, RemovingWhatIsGoneIsNoErrorAndReadersKeepWhatTheyOpened) {
  ASSERT_TRUE(store_bytes(code(), "abc").ok());
  const auto reader = code().open(kAbcDigest);
  EXPECT_TRUE(code().remove(kAbcDigest).ok());
  EXPECT_TRUE(code().remove(kAbcDigest).ok());
  expect_absent(kAbcDigest);
  EXPECT_EQ(read_to_end(reader->get()), "abc");
}

TEST_P(CodeStoreConformance, CodeIsThereAfterARestart) {
  ASSERT_TRUE(store_bytes(code(), "abc").ok());
  reopen();
  expect_bytes(kAbcDigest, "abc");
}

TEST_P(CodeStoreConformance, TheUriNamesTheDigestAndNoPath) {
  EXPECT_THAT(code().uri(kAbcDigest), testing::EndsWith(kAbcDigest));
  EXPECT_THAT(code().uri(kAbcDigest), testing::Not(testing::HasSubstr("/")));
}

INSTANTIATE_TEST_SUITE_P(Backends, CodeStoreConformance, testing::ValuesIn(store_backends()),
                         [](const auto& backend) { return backend.param.name; });

}  // namespace
}  // namespace hearth::store
