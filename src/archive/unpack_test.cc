#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "archive/archive.h"
#include "archive/scratch_folder.h"
#include "archive/zip_builder.h"

namespace hearth::archive {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

const BuiltEntry kIndex{.name = "index.js", .content = "module.exports = x => x\n"};

BuiltEntry entry(std::string name, std::string content, std::uint32_t mode) {
  return BuiltEntry{.name = std::move(name), .content = std::move(content), .unix_mode = mode};
}

base::Result<Contents> unpack_entries(const std::vector<BuiltEntry>& entries, int folder_fd,
                                      const Limits& limits = {}) {
  return unpack(as_file(build_zip(entries)).get(), folder_fd, limits);
}

std::vector<std::string> everything_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& found : fs::recursive_directory_iterator(folder)) {
    names.push_back(fs::relative(found.path().parent_path(), folder) / found.path().filename());
  }
  return names;
}

TEST(Unpack, MakesFoldersFilesAndSymlinks) {
  const ScratchFolder folder;
  auto packed = entry("a/b/c.txt", std::string(200'000, 'c'), 0100644);
  packed.method = 8;
  const auto contents = unpack_entries(
      {kIndex, packed, entry("a/empty/", "", 040755), entry("a/l", "b/c.txt", 0120777)}, folder.open().get());
  ASSERT_TRUE(contents.ok()) << contents.error().message;
  EXPECT_THAT(contents->paths, UnorderedElementsAre("index.js", "a/b/c.txt"));
  EXPECT_EQ(folder.read("index.js"), kIndex.content);
  EXPECT_EQ(folder.read("a/b/c.txt"), packed.content);
  EXPECT_EQ(folder.read("a/l"), packed.content);
  EXPECT_EQ(fs::read_symlink(folder / "a/l"), "b/c.txt");
  EXPECT_TRUE(fs::is_empty(folder / "a/empty"));
}

TEST(Unpack, ReportsTheSameAsInspect) {
  const ScratchFolder folder;
  const auto zip = as_file(build_zip({kIndex, entry("a/x", "x", 0100644), entry("l", "a/x", 0120777)}));
  const auto inspected = inspect(zip.get(), {});
  const auto unpacked = unpack(zip.get(), folder.open().get(), {});
  ASSERT_TRUE(inspected.ok() && unpacked.ok());
  EXPECT_EQ(*inspected, *unpacked);
}

TEST(Unpack, SetsModesWhateverTheUmask) {
  const mode_t before = ::umask(077);
  const ScratchFolder folder;
  const auto contents =
      unpack_entries({entry("plain", "", 0100600), entry("run", "", 0100700), entry("open", "", 0100666),
                      entry("d/", "", 041777), entry("e/none", "", 0)},
                     folder.open().get());
  ::umask(before);
  ASSERT_TRUE(contents.ok()) << contents.error().message;
  EXPECT_EQ(folder.mode("plain"), fs::perms(0644));
  EXPECT_EQ(folder.mode("run"), fs::perms(0755));
  EXPECT_EQ(folder.mode("open"), fs::perms(0644));
  EXPECT_EQ(folder.mode("d"), fs::perms(0755));
  EXPECT_EQ(folder.mode("e"), fs::perms(0755));
  EXPECT_EQ(folder.mode("e/none"), fs::perms(0644));
}

TEST(Unpack, RefusesWhatInspectRefuses) {
  const ScratchFolder outside;
  fs::create_directory(outside / "in");
  const base::UniqueFd in(::open((outside / "in").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  auto lie = entry("lie", std::string(100'000, 'x'), 0100644);
  lie.method = 8;
  lie.size = 5;
  const std::vector<std::vector<BuiltEntry>> hostile = {
      {kIndex, entry("../evil", "x", 0100644)},
      {kIndex, entry("/tmp/evil", "x", 0100644)},
      {kIndex, entry("l", "..", 0120777), entry("l/evil", "x", 0100644)},
      {kIndex, entry("l", "../../evil", 0120777)},
      {kIndex, entry("d", "", 0060644)},
      {kIndex, kIndex},
      {kIndex, lie},
  };
  for (const auto& entries : hostile) {
    EXPECT_FALSE(unpack_entries(entries, in.get()).ok());
    fs::remove_all(outside / "in/index.js");
    fs::remove_all(outside / "in/lie");
  }
  EXPECT_THAT(everything_in(outside.path()), UnorderedElementsAre("./in"));
}

// Whoever can write into the folder meanwhile gains nothing by it.
TEST(Unpack, NeverFollowsASymlinkThatIsAlreadyThere) {
  const ScratchFolder folder;
  const ScratchFolder elsewhere;
  fs::create_directory_symlink(elsewhere.path(), folder / "a");
  fs::create_symlink(elsewhere / "target", folder / "index.js");
  EXPECT_FALSE(unpack_entries({entry("a/evil", "x", 0100644)}, folder.open().get()).ok());
  EXPECT_FALSE(unpack_entries({kIndex}, folder.open().get()).ok());
  EXPECT_FALSE(unpack_entries({entry("x", "", 0100644), entry("a", "b", 0120777)}, folder.open().get()).ok());
  EXPECT_TRUE(fs::is_empty(elsewhere.path()));
}

// A folder that becomes a symlink between two steps, over and over.
TEST(Unpack, WritesThroughNoSymlinkThatIsSwappedIn) {
  const ScratchFolder elsewhere;
  std::vector<BuiltEntry> entries;
  for (int i = 0; i < 100; ++i) {
    entries.push_back(entry("a/" + std::to_string(i), "x", 0100644));
  }
  const auto zip = as_file(build_zip(entries));
  for (int round = 0; round < 20; ++round) {
    const ScratchFolder folder;
    fs::create_directory_symlink(elsewhere.path(), folder / "trap");
    std::atomic<bool> done = false;
    std::thread swapper([&] {
      while (!done) {
        ::renameat2(AT_FDCWD, (folder / "a").c_str(), AT_FDCWD, (folder / "trap").c_str(), RENAME_EXCHANGE);
      }
    });
    (void)unpack(zip.get(), folder.open().get(), {});
    done = true;
    swapper.join();
  }
  EXPECT_TRUE(fs::is_empty(elsewhere.path()));
}

TEST(Unpack, OverwritesNothing) {
  const ScratchFolder folder;
  folder.write("index.js", "mine");
  const auto result = unpack_entries({kIndex}, folder.open().get());
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kIo);
  EXPECT_THAT(result.error().message, HasSubstr("'index.js': File exists"));
  EXPECT_EQ(folder.read("index.js"), "mine");
}

TEST(Unpack, StopsAtTheStatedSizeOfALie) {
  const ScratchFolder folder;
  auto bomb = entry("bomb", std::string(20U << 20U, '\0'), 0100644);
  bomb.method = 8;
  bomb.size = 1'000;
  const auto result = unpack_entries({kIndex, bomb}, folder.open().get());
  ASSERT_FALSE(result.ok());
  EXPECT_LE(fs::file_size(folder / "bomb"), 1'000U);
}

TEST(Unpack, SaysWhatTheDiskSays) {
  const ScratchFolder folder;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  const auto zip = as_file(build_zip({kIndex, entry("big", std::string(100'000, 'x'), 0100644)}));
  const rlimit small{50'000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto result = unpack(zip.get(), folder.open().get(), {});
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kIo);
  EXPECT_THAT(result.error().message, HasSubstr("'big': File too large"));
}

}  // namespace
}  // namespace hearth::archive
