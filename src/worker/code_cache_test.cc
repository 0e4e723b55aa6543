#include <sys/stat.h>

#include <fstream>

#include "worker/testing/code_cache_fixture.h"

namespace hearth::worker {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST_F(CodeCacheTest, UnpacksOnceAndSharesTheFolder) {
  store_.put(digest('a'), "one");
  open();
  const auto first = get(digest('a'));
  ASSERT_TRUE(first.ok()) << first.error().message;
  const auto second = get(digest('a'));
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(index_of(first->folder.fd()), "one");
  EXPECT_EQ(first->folder.fd(), second->folder.fd());
  EXPECT_EQ(store_.opens(digest('a')), 1);
  EXPECT_THAT(in_cache(), UnorderedElementsAre(digest('a')));
}

TEST_F(CodeCacheTest, MakesFoldersThatOtherUsersCanRead) {
  store_.put(digest('a'), "one");
  const mode_t before = ::umask(077);
  open();
  const auto code = get(digest('a'));
  ::umask(before);
  ASSERT_TRUE(code.ok());
  struct stat status {};
  ASSERT_EQ(::fstatat(code->folder.fd(), "", &status, AT_EMPTY_PATH), 0);
  EXPECT_EQ(status.st_mode, static_cast<mode_t>(S_IFDIR | 0755));
  ASSERT_EQ(::fstatat(code->folder.fd(), "index.js", &status, 0), 0);
  EXPECT_EQ(status.st_mode, static_cast<mode_t>(S_IFREG | 0644));
  EXPECT_EQ(fs::status(options_.folder).permissions(), fs::perms(0700));
}

TEST_F(CodeCacheTest, DuplicatesTheDescriptor) {
  store_.put(digest('a'), "one");
  open();
  const auto code = get(digest('a'));
  ASSERT_TRUE(code.ok());
  const auto copy = code->folder.duplicate();
  ASSERT_TRUE(copy.ok());
  EXPECT_NE(copy->get(), code->folder.fd());
  EXPECT_EQ(index_of(copy->get()), "one");
}

TEST_F(CodeCacheTest, LetsConcurrentCallsWaitForOneUnpacking) {
  store_.put(digest('a'), "one");
  store_.hold();
  open();
  std::vector<Answer> answers(10);
  for (auto& answer : answers) {
    ask(digest('a'), answer);
  }
  store_.let_go();
  for (auto& answer : answers) {
    run_until(answer);
    EXPECT_TRUE(answer->ok());
  }
  EXPECT_EQ(store_.opens(digest('a')), 1);
}

TEST_F(CodeCacheTest, UnpacksDifferentCodeAtTheSameTime) {
  open();
  std::vector<Answer> answers(10);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    store_.put(digest(static_cast<char>('0' + i)), std::to_string(i));
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    ask(digest(static_cast<char>('0' + i)), answers[i]);
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    run_until(answers[i]);
    ASSERT_TRUE(answers[i]->ok());
    EXPECT_EQ(index_of((*answers[i])->folder.fd()), std::to_string(i));
  }
}

TEST_F(CodeCacheTest, ForgetsFailures) {
  open();
  const auto missing = get(digest('a'));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  store_.put_bytes(digest('a'), "no zip");
  const auto broken = get(digest('a'));
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(in_cache(), IsEmpty());
  store_.put(digest('a'), "one");
  EXPECT_TRUE(get(digest('a')).ok());
}

TEST_F(CodeCacheTest, LeavesNothingOfAZipThatIsTooLarge) {
  store_.put(digest('a'), std::string(1'000, 'x'));
  options_.limits.unzipped_bytes = 999;
  open();
  const auto code = get(digest('a'));
  ASSERT_FALSE(code.ok());
  EXPECT_EQ(code.error().code, ErrorCode::kTooLarge);
  EXPECT_THAT(in_cache(), IsEmpty());
}

TEST_F(CodeCacheTest, TakesOnlyDigests) {
  open();
  for (const std::string& text : {std::string(), std::string("../../etc"), std::string(64, 'A'),
                                  std::string(63, 'a'), std::string(64, '/')}) {
    const auto code = get(text);
    ASSERT_FALSE(code.ok());
    EXPECT_EQ(code.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST_F(CodeCacheTest, SaysWhenThePoolIsFull) {
  store_.put(digest('a'), "one");
  pool_.emplace(1, 0);
  open();
  const auto code = get(digest('a'));
  ASSERT_FALSE(code.ok());
  EXPECT_EQ(code.error().code, ErrorCode::kExhausted);
  cache_.reset();
  pool_.emplace(kThreads, kQueue);
  open();
  EXPECT_TRUE(get(digest('a')).ok());
}

TEST_F(CodeCacheTest, RemovesTheLeastRecentlyUsed) {
  for (const char digit : {'a', 'b', 'c'}) {
    store_.put(digest(digit), std::string(10'000, digit));  // 12 KiB in blocks, and 4 for the folder
  }
  options_.max_bytes = 2 * 16 * 1'024;
  open();
  EXPECT_TRUE(get(digest('a')).ok());
  EXPECT_TRUE(get(digest('b')).ok());
  EXPECT_TRUE(get(digest('a')).ok());
  settle();
  EXPECT_THAT(in_cache(), UnorderedElementsAre(digest('a'), digest('b')));
  reopen();
  EXPECT_TRUE(get(digest('b')).ok());
  EXPECT_TRUE(get(digest('a')).ok());
  EXPECT_TRUE(get(digest('c')).ok());
  settle();
  EXPECT_THAT(in_cache(), UnorderedElementsAre(digest('a'), digest('c')));
}

TEST_F(CodeCacheTest, NeverRemovesWhatIsHeld) {
  store_.put(digest('a'), "one");
  store_.put(digest('b'), "two");
  options_.max_bytes = 1;
  open();
  auto held = std::make_optional(get(digest('a')));
  ASSERT_TRUE((*held).ok());
  auto other = std::make_optional(get(digest('b')));
  settle();
  EXPECT_THAT(in_cache(), UnorderedElementsAre(digest('a'), digest('b')));
  EXPECT_EQ(index_of((*held)->folder.fd()), "one");
  held.reset();
  other.reset();
  reopen();
  settle();
  EXPECT_THAT(in_cache(), IsEmpty());
}

TEST_F(CodeCacheTest, UnpacksAgainWhatIsBeingRemoved) {
  store_.put(digest('a'), "one");
  store_.put(digest('b'), "two");
  options_.max_bytes = 1;
  open();
  for (int i = 0; i < 20; ++i) {
    // Each answer makes the other code the next to go, while a job may still be removing this one.
    const auto a = get(digest('a'));
    ASSERT_TRUE(a.ok()) << a.error().message;
    EXPECT_EQ(index_of(a->folder.fd()), "one");
    const auto b = get(digest('b'));
    ASSERT_TRUE(b.ok()) << b.error().message;
    EXPECT_EQ(index_of(b->folder.fd()), "two");
  }
}

TEST_F(CodeCacheTest, KeepsCompleteFoldersAcrossARestart) {
  store_.put(digest('a'), "one");
  open();
  EXPECT_TRUE(get(digest('a')).ok());
  wait_until_sealed(digest('a'));
  fs::create_directories(fs::path(options_.folder) / ".temporary-7/lib");
  reopen();
  EXPECT_THAT(in_cache(), UnorderedElementsAre(digest('a')));
  const auto code = get(digest('a'));
  ASSERT_TRUE(code.ok());
  EXPECT_EQ(index_of(code->folder.fd()), "one");
  EXPECT_EQ(store_.opens(digest('a')), 1);
}

TEST_F(CodeCacheTest, WhatTheDiskHasChangedBetweenTwoProcessesIsUnpackedAgain) {
  store_.put(digest('a'), "one");
  store_.put(digest('b'), "two");
  open();
  EXPECT_TRUE(get(digest('a')).ok());
  EXPECT_TRUE(get(digest('b')).ok());
  wait_until_sealed(digest('a'));
  wait_until_sealed(digest('b'));
  std::ofstream(fs::path(options_.folder) / digest('a') / "index.js") << "onE";
  std::ofstream(fs::path(options_.folder) / digest('b') / "more.js") << "more";
  reopen();
  EXPECT_EQ(index_of(get(digest('a'))->folder.fd()), "one");
  EXPECT_EQ(index_of(get(digest('b'))->folder.fd()), "two");
  EXPECT_EQ(store_.opens(digest('a')), 2);
  EXPECT_FALSE(fs::exists(fs::path(options_.folder) / digest('b') / "more.js"));
}

TEST_F(CodeCacheTest, StartsEmptyAfterTheMachineRestarted) {
  store_.put(digest('a'), "one");
  open();
  EXPECT_TRUE(get(digest('a')).ok());
  std::ofstream(fs::path(options_.folder) / ".boot") << "another boot\n";
  reopen();
  EXPECT_THAT(in_cache(), IsEmpty());
  EXPECT_TRUE(get(digest('a')).ok());
}

TEST_F(CodeCacheTest, UnpacksAgainWhatSomebodyRemoved) {
  store_.put(digest('a'), "one");
  open();
  EXPECT_TRUE(get(digest('a')).ok());
  fs::remove_all(fs::path(options_.folder) / digest('a'));
  const auto code = get(digest('a'));
  ASSERT_TRUE(code.ok());
  EXPECT_EQ(index_of(code->folder.fd()), "one");
}

TEST_F(CodeCacheTest, MayEndWhileCallsWait) {
  store_.put(digest('a'), "one");
  store_.hold();
  open();
  Answer answer;
  ask(digest('a'), answer);
  cache_.reset();
  store_.let_go();
  settle();
  EXPECT_FALSE(answer);
}

TEST_F(CodeCacheTest, MayEndInsideAnAnswer) {
  store_.put(digest('a'), "one");
  open();
  bool answered = false;
  cache_->fetch({"", digest('a')}, [&](base::Result<VersionCode> result) {
    EXPECT_TRUE(result.ok());
    cache_.reset();
    answered = true;
  });
  while (!answered) {
    loop_.run_one_until(base::Clock::now() + std::chrono::seconds(1));
  }
}

TEST_F(CodeCacheTest, SaysWhereItCannotMakeItsFolder) {
  std::ofstream(temporary_.path() / "file") << "";
  options_.folder = temporary_.path() / "file/code";
  CodeCache cache(options_, store_, *pool_, loop_);
  const auto opened = cache.open();
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(opened.error().message, HasSubstr("file/code"));
}

}  // namespace
}  // namespace hearth::worker
