// What runtimes have compiled, in the code cache.
#include <sys/stat.h>

#include <fstream>
#include <future>

#include "worker/compiled_files.h"
#include "worker/testing/code_cache_fixture.h"

namespace hearth::worker {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr const char* kVersion = "0b5a9a52-6b8f-4a7e-9d5e-3b1f6c2d4e8f";
constexpr const char* kOther = "7c1d2e3f-0000-4a7e-9d5e-3b1f6c2d4e8f";

class CompiledTest : public CodeCacheTest {
 protected:
  CompiledTest() { store_.put(digest('a'), "one"); }

  fs::path file(const std::string& version) const { return fs::path(options_.folder) / "compiled" / version; }
  // What an instance of the version would be given.
  CompiledPtr compiled(const std::string& version, char code = 'a') {
    const auto got = get(digest(code), version);
    EXPECT_TRUE(got.ok()) << got.error().message;
    return got ? got->compiled : nullptr;
  }
  void keep(const std::string& version, const std::string& bytes) {
    cache_->keep(version, {"node 1", bytes});
    settle();
    settle();  // what goes for it
  }
  std::vector<std::string> kept() const {
    std::vector<std::string> names;
    for (const auto& found : fs::directory_iterator(fs::path(options_.folder) / "compiled")) {
      names.push_back(found.path().filename());
    }
    return names;
  }
  // From now on the pool has a place for one job, which is executed when `go_on` says so.
  void block_pool(std::promise<void>& go_on) {
    pool_.emplace(1, 1);  // where it was: the cache goes on using it
    std::promise<void> begun;
    ASSERT_TRUE(pool_->submit([&begun, waits = std::make_shared<std::future<void>>(go_on.get_future())] {
      begun.set_value();
      waits->wait();
    }));
    begun.get_future().wait();
  }
  // Every byte of the file is changed, one after the other, and none of the results is believed.
  void expect_no_byte_can_be_changed(const std::string& version) {
    std::ifstream in(file(version), std::ios::binary);
    const std::string good{std::istreambuf_iterator<char>(in), {}};
    const auto files = CompiledFiles::open(file(version).parent_path()).value();
    ASSERT_TRUE(files->read(version).ok());
    for (std::size_t i = 0; i < good.size(); ++i) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ 0x10);
      std::ofstream(file(version), std::ios::binary) << bad;
      EXPECT_EQ(files->read(version).error().code, ErrorCode::kCorrupt) << i;
    }
    for (std::size_t size = 0; size < good.size(); ++size) {
      std::ofstream(file(version), std::ios::binary) << good.substr(0, size);
      EXPECT_EQ(files->read(version).error().code, ErrorCode::kCorrupt) << size;
    }
  }
};

TEST_F(CompiledTest, IsGivenToItsVersionAlone) {
  open();
  EXPECT_EQ(compiled(kVersion), nullptr);
  keep(kVersion, "bytes");
  const auto given = compiled(kVersion);
  ASSERT_NE(given, nullptr);
  EXPECT_EQ(*given, (CompiledCode{"node 1", "bytes"}));
  EXPECT_EQ(compiled(kOther), nullptr) << "of the same code";
  EXPECT_EQ(compiled(""), nullptr);
}

TEST_F(CompiledTest, IsGivenWhetherTheFolderIsHeldOrNot) {
  open();
  {
    const auto held = get(digest('a'), kVersion);
    keep(kVersion, "bytes");
    EXPECT_NE(compiled(kVersion), nullptr) << "the folder is held";
  }
  EXPECT_NE(compiled(kVersion), nullptr) << "nobody holds it";
  reopen();
  EXPECT_NE(compiled(kVersion), nullptr) << "after a restart";
}

TEST_F(CompiledTest, SeveralVersionsThatWaitForOneUnpackingGetTheirOwn) {
  open();
  keep(kVersion, "one");
  keep(kOther, "two");
  store_.hold();
  std::vector<Answer> answers(4);
  const char* const versions[] = {kVersion, kOther, "", kVersion};
  for (std::size_t i = 0; i < answers.size(); ++i) {
    ask(digest('a'), answers[i], versions[i]);
  }
  store_.let_go();
  std::vector<std::string> bytes;
  for (const auto& answer : answers) {
    run_until(answer);
    ASSERT_TRUE(answer->ok());
    bytes.push_back((*answer)->compiled ? (*answer)->compiled->bytes : "none");
  }
  EXPECT_THAT(bytes, ElementsAre("one", "two", "none", "one"));
  EXPECT_EQ(store_.opens(digest('a')), 1);
}

TEST_F(CompiledTest, IsReadOnceForAllWhoWait) {
  open();
  keep(kVersion, "bytes");
  const auto held = get(digest('a'));
  std::promise<void> go_on;
  block_pool(go_on);
  std::vector<Answer> answers(25);
  for (auto& answer : answers) {
    ask(digest('a'), answer, kVersion);
  }
  go_on.set_value();
  for (const auto& answer : answers) {
    run_until(answer);
    ASSERT_NE((*answer)->compiled, nullptr);
    EXPECT_EQ((*answer)->compiled, (*answers[0])->compiled) << "one copy";
  }
}

TEST_F(CompiledTest, WhileSomebodyHoldsItItIsGivenAtOnce) {
  options_.compiled_memory_bytes = 0;
  open();
  keep(kVersion, "bytes");
  auto first = get(digest('a'), kVersion);
  std::promise<void> go_on;
  block_pool(go_on);
  ASSERT_TRUE(pool_->submit([] {}));
  EXPECT_EQ(compiled(kVersion), first->compiled);
  const std::weak_ptr<const CompiledCode> weak = first->compiled;
  first->compiled = nullptr;
  EXPECT_TRUE(weak.expired()) << "the cache holds none";
  EXPECT_EQ(compiled(kVersion), nullptr) << "as the pool is full";
  go_on.set_value();
  settle();
}

TEST_F(CompiledTest, WhatStartsUsedLastIsNotReadAgain) {
  options_.compiled_memory_bytes = 10;
  open();
  for (const char* version : {kVersion, kOther, "third"}) {
    keep(version, "12345");
    EXPECT_NE(compiled(version), nullptr) << "read";
    EXPECT_NE(compiled(kVersion), nullptr) << "used again";
  }
  for (const char* version : {kVersion, kOther, "third"}) {
    fs::remove(file(version));
  }
  EXPECT_NE(compiled(kVersion), nullptr);
  EXPECT_NE(compiled("third"), nullptr);
  EXPECT_EQ(compiled(kOther), nullptr) << "ten bytes are held, and it was not used since";
}

TEST_F(CompiledTest, WhatIsTooLargeToBeHeldTakesNoOthersPlace) {
  options_.compiled_memory_bytes = 10;
  open();
  keep(kVersion, "12345");
  keep(kOther, "12345678901");
  EXPECT_NE(compiled(kVersion), nullptr);
  EXPECT_NE(compiled(kOther), nullptr);
  fs::remove(file(kVersion));
  fs::remove(file(kOther));
  EXPECT_NE(compiled(kVersion), nullptr);
  EXPECT_EQ(compiled(kOther), nullptr);
}

TEST_F(CompiledTest, WhatIsOfNoUseIsHeldNoLonger) {
  open();
  keep(kVersion, "bytes");
  const std::weak_ptr<const CompiledCode> weak = compiled(kVersion);
  EXPECT_FALSE(weak.expired());
  cache_->discard(kVersion);
  settle();
  EXPECT_TRUE(weak.expired());
}

TEST_F(CompiledTest, WhatIsOfNoUseGoesWhileItIsReadToo) {
  open();
  keep(kVersion, "bytes");
  const auto held = get(digest('a'));
  Answer answer;
  ask(digest('a'), answer, kVersion);
  cache_->discard(kVersion);
  run_until(answer);
  EXPECT_EQ((*answer)->compiled, nullptr);
  settle();
  keep(kVersion, "again");
  EXPECT_EQ(compiled(kVersion)->bytes, "again");
}

TEST_F(CompiledTest, TheFirstStays) {
  open();
  keep(kVersion, "first");
  keep(kVersion, "second");
  EXPECT_EQ(compiled(kVersion)->bytes, "first");
}

TEST_F(CompiledTest, ThatThereIsNothingIsKnownUntilARestart) {
  open();
  keep(kVersion, "");
  EXPECT_THAT(kept(), IsEmpty());
  ASSERT_NE(compiled(kVersion), nullptr);
  EXPECT_EQ(*compiled(kVersion), (CompiledCode{"node 1", ""}));
  EXPECT_EQ(compiled(kOther), nullptr);
  cache_->discard(kVersion);
  EXPECT_EQ(compiled(kVersion), nullptr) << "another runtime may find something";
  keep(kVersion, "");
  for (int i = 0; i < 10'000; ++i) {
    cache_->keep("other-" + std::to_string(i), {"node 1", ""});
  }
  EXPECT_EQ(compiled(kVersion), nullptr) << "so many are remembered, and no more";
  EXPECT_NE(compiled("other-9999"), nullptr);
  reopen();
  EXPECT_EQ(compiled("other-9999"), nullptr);
}

TEST_F(CompiledTest, IsNobodyElsesToRead) {
  open();
  keep(kVersion, "bytes");
  EXPECT_EQ(fs::status(file(kVersion)).permissions(), fs::perms(0600));
  EXPECT_EQ(fs::status(file(kVersion).parent_path()).permissions(), fs::perms(0700));
}

TEST_F(CompiledTest, OverItsBoundItIsNeitherKeptNorGiven) {
  options_.compiled_bytes = 5;
  open();
  keep(kOther, "123456");
  EXPECT_THAT(kept(), IsEmpty());
  keep(kVersion, "12345");
  EXPECT_NE(compiled(kVersion), nullptr);
  options_.compiled_bytes = 4;
  reopen();
  EXPECT_EQ(compiled(kVersion), nullptr);
  settle();
  EXPECT_THAT(kept(), IsEmpty());
}

TEST_F(CompiledTest, NothingIsWhereNothingMayBe) {
  open();
  keep(kVersion, "bytes");
  options_.compiled_bytes = 0;
  reopen();
  EXPECT_EQ(compiled(kVersion), nullptr);
  keep(kOther, "bytes");
  EXPECT_EQ(compiled(kOther), nullptr);
}

TEST_F(CompiledTest, DamagedItGoesAndMayComeAgain) {
  open();
  keep(kVersion, "bytes");
  std::ofstream(file(kVersion), std::ios::binary | std::ios::app) << "more";
  EXPECT_EQ(compiled(kVersion), nullptr);
  settle();
  EXPECT_THAT(kept(), IsEmpty());
  keep(kVersion, "again");
  EXPECT_EQ(compiled(kVersion)->bytes, "again");
}

TEST_F(CompiledTest, AChangedByteIsFound) {
  open();
  keep(kVersion, "some bytes");
  expect_no_byte_can_be_changed(kVersion);
}

TEST_F(CompiledTest, WhatSomebodyRemovedIsNotThere) {
  open();
  keep(kVersion, "bytes");
  fs::remove(file(kVersion));
  EXPECT_EQ(compiled(kVersion), nullptr);
}

TEST_F(CompiledTest, WhatIsOfNoUseGoes) {
  open();
  keep(kVersion, "bytes");
  cache_->discard(kVersion);
  cache_->discard(kOther);
  EXPECT_EQ(compiled(kVersion), nullptr) << "from now on";
  settle();
  EXPECT_THAT(kept(), IsEmpty());
}

TEST_F(CompiledTest, CountsToTheBoundOfTheCodeAndGoesBeforeWhatWasUsedSince) {
  options_.max_bytes = 7 * 4'096;  // a folder and its file are two blocks
  store_.put(digest('b'), "two");
  open();
  EXPECT_TRUE(get(digest('a'), kVersion).ok());
  keep(kVersion, std::string(4'000, 'x'));
  keep(kOther, std::string(4'000, 'x'));
  EXPECT_NE(compiled(kVersion), nullptr) << "used again, with its folder";
  keep("third", std::string(4'000, 'x'));
  EXPECT_TRUE(get(digest('b')).ok());
  settle();
  EXPECT_THAT(kept(), UnorderedElementsAre(kVersion, "third", kOther)) << "seven blocks";
  keep("fourth", std::string(4'000, 'x'));
  EXPECT_THAT(kept(), UnorderedElementsAre(kVersion, "third", "fourth"));
  EXPECT_EQ(compiled(kOther), nullptr);
  reopen();
  settle();
  EXPECT_THAT(kept(), UnorderedElementsAre(kVersion, "third", "fourth")) << "counted again at the start";
}

TEST_F(CompiledTest, OnlyNamesOfVersionsBecomeFiles) {
  open();
  for (const std::string& name : {std::string("../index.js"), std::string("."), std::string(""),
                                  std::string("a/b"), std::string(64, 'a')}) {
    keep(name, "bytes");
    cache_->discard(name);
  }
  EXPECT_THAT(kept(), IsEmpty());
  EXPECT_TRUE(get(digest('a'), digest('a')).ok()) << "a digest is no version";
}

TEST_F(CompiledTest, WhatIsHalfMadeGoesAtTheStart) {
  open();
  keep(kVersion, "bytes");
  std::ofstream(file(".temporary-3")) << "half";
  reopen();
  EXPECT_THAT(kept(), UnorderedElementsAre(kVersion));
}

TEST_F(CompiledTest, APoolThatIsFullGivesTheFolderAlone) {
  open();
  keep(kVersion, "bytes");
  const auto held = get(digest('a'));
  ASSERT_TRUE(held.ok());
  std::promise<void> go_on;
  block_pool(go_on);
  ASSERT_TRUE(pool_->submit([] {}));
  cache_->keep(kOther, {"node 1", "bytes"});
  EXPECT_EQ(compiled(kVersion), nullptr) << "the folder is held, and nothing can be read";
  go_on.set_value();
  settle();
  EXPECT_THAT(kept(), UnorderedElementsAre(kVersion));
  EXPECT_NE(compiled(kVersion), nullptr) << "another time";
}

TEST_F(CompiledTest, MayEndWhileItIsWrittenAndRead) {
  open();
  cache_->keep(kVersion, {"node 1", "bytes"});
  cache_.reset();
  settle();
  open();
  const auto held = get(digest('a'));
  Answer answer;
  ask(digest('a'), answer, kVersion);
  cache_.reset();
  settle();
  EXPECT_FALSE(answer);
}

}  // namespace
}  // namespace hearth::worker
