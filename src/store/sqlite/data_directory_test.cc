#include "store/sqlite/data_directory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "store/sqlite/store_under_test.h"

namespace hearth::store::sqlite {
namespace {

using base::ErrorCode;
using testing::AllOf;
using testing::HasSubstr;

constexpr uid_t kNobody = 65534;

class DataDirectoryTest : public testing::Test {
 protected:
  std::string path(const std::string& name = "") const { return folder_.path() + "/data" + name; }

  std::string parent(const std::string& name = "") const { return folder_.path() + name; }

  void write_at(const std::string& file, const std::string& text) const { std::ofstream(file) << text; }
  void write(const std::string& name, const std::string& text) const { write_at(path(name), text); }

  static mode_t mode(const std::string& file) {
    struct stat status = {};
    return ::lstat(file.c_str(), &status) == 0 ? status.st_mode & 07777U : 0U;
  }
  static uid_t owner(const std::string& file) {
    struct stat status = {};
    return ::lstat(file.c_str(), &status) == 0 ? status.st_uid : ~0U;
  }

 private:
  TestFolder folder_;
};

// Runs `work` in a child and returns what it wrote to its pipe.
template <typename Work>
std::string in_child(Work work) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string text = work();
    (void)!::write(ends[1], text.data(), text.size());
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text = read_to_end(ends[0]);
  ::close(ends[0]);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  return text;
}

TEST_F(DataDirectoryTest, MakesTheLayoutForItsOwnerAndGroupOnly) {
  const auto directory = DataDirectory::open(path("/deep/er"));
  ASSERT_TRUE(directory.ok()) << directory.error().message;
  for (const char* name : {"", "/code", "/cache", "/tmp"}) {
    EXPECT_EQ(mode(path("/deep/er") + name) & 0777U, 0750U) << name;
  }
  EXPECT_EQ(mode((*directory)->database_path()) & 0777U, 0640U);
  EXPECT_EQ((*directory)->cache_folder(), (*directory)->path() + "/cache");
}

TEST_F(DataDirectoryTest, IsRefusedWhileAnotherHoldsIt) {
  const auto holder = DataDirectory::open(path());
  ASSERT_TRUE(holder.ok());
  const std::string pid = "process " + std::to_string(::getpid());
  const auto same_process = DataDirectory::open(path());
  ASSERT_FALSE(same_process.ok());
  EXPECT_EQ(same_process.error().code, ErrorCode::kBusy);
  const std::string other_process = in_child([&] {
    const auto second = DataDirectory::open(path());
    return second.ok() ? std::string("opened") : second.error().message;
  });
  EXPECT_THAT(other_process, AllOf(HasSubstr(path()), HasSubstr(pid), HasSubstr("--data-dir")));
}

TEST_F(DataDirectoryTest, IsFreeAgainWhenItsHolderWasKilled) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto held = DataDirectory::open(path());
    (void)!::write(ends[1], held.ok() ? "y" : "n", 1);
    ::pause();
    ::_exit(0);
  }
  char answer = 0;
  ASSERT_EQ(::read(ends[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  EXPECT_THAT(DataDirectory::open(path()).error().message, HasSubstr("process " + std::to_string(child)));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(DataDirectory::open(path()).ok());
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(DataDirectoryTest, IsFreeAgainAfterItsEnd) {
  ASSERT_TRUE(DataDirectory::open(path()).ok());
  EXPECT_TRUE(DataDirectory::open(path()).ok());
}

TEST_F(DataDirectoryTest, SaysThatItIsNoFolder) {
  write("", "a file");
  const auto file = DataDirectory::open(path());
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(file.error().message, AllOf(HasSubstr(path()), HasSubstr("not a folder")));
  EXPECT_THAT(DataDirectory::open(path("/below")).error().message, HasSubstr("not a folder"));
  EXPECT_EQ(DataDirectory::open("").error().code, ErrorCode::kInvalidArgument);
}

TEST_F(DataDirectoryTest, SaysThatItIsNotWritable) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "only root can become another user";
  }
  ASSERT_TRUE(DataDirectory::open(path()).ok());
  const std::string message = in_child([&]() -> std::string {
    ::chmod(parent().c_str(), 0755);
    ::chmod(path().c_str(), 0755);
    if (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0) {
      return "cannot become nobody";
    }
    const auto directory = DataDirectory::open(path());
    return directory.ok() ? "opened" : directory.error().message;
  });
  EXPECT_THAT(message, AllOf(HasSubstr(path()), HasSubstr("may not write")));
}

TEST_F(DataDirectoryTest, EmptiesTmpAndNothingElse) {
  ASSERT_TRUE(DataDirectory::open(path()).ok());
  std::filesystem::create_directories(path("/tmp/a/b"));
  write("/tmp/upload-1", "half");
  write("/tmp/a/b/c", "half");
  write("/cache/kept", "whole");
  std::filesystem::create_directory_symlink(path("/cache"), path("/tmp/link"));
  ASSERT_TRUE(DataDirectory::open(path()).ok());
  EXPECT_TRUE(std::filesystem::is_empty(path("/tmp")));
  EXPECT_TRUE(std::filesystem::exists(path("/cache/kept")));
}

TEST_F(DataDirectoryTest, IsHandedOverWithoutFollowingLinks) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "only root can give files away";
  }
  ::chmod(parent().c_str(), 0755);
  const auto directory = DataDirectory::open(path());
  ASSERT_TRUE(directory.ok());
  std::filesystem::create_directories(path("/cache/a/b"));
  write("/cache/a/b/c", "code");
  write_at(parent("/outside"), "not ours");
  std::filesystem::create_symlink("../../outside", path("/cache/link"));
  std::filesystem::create_directory_symlink("../..", path("/cache/up"));
  ASSERT_TRUE((*directory)->hand_over(kNobody, kNobody).ok());
  for (const char* name : {"", "/lock", "/hearth.db", "/code", "/cache/a/b/c", "/cache/link", "/tmp"}) {
    EXPECT_EQ(owner(path(name)), kNobody) << name;
  }
  EXPECT_EQ(owner(parent("/outside")), 0U);
  EXPECT_EQ(owner(parent()), 0U);
}

TEST_F(DataDirectoryTest, AHardLinkToAnothersFileIsNotGivenAway) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "only root can give files away";
  }
  ::chmod(parent().c_str(), 0755);
  const auto directory = DataDirectory::open(path());
  ASSERT_TRUE(directory.ok());
  write_at(parent("/secret"), "not ours");
  std::filesystem::create_hard_link(parent("/secret"), path("/cache/mine"));
  const auto given = (*directory)->hand_over(kNobody, kNobody);
  ASSERT_FALSE(given.ok());
  EXPECT_THAT(given.error().message, HasSubstr("mine"));
  EXPECT_EQ(owner(parent("/secret")), 0U);
}

TEST_F(DataDirectoryTest, IsNotHandedToAUserWhoCannotReachIt) {
  const auto directory = DataDirectory::open(path());
  ASSERT_TRUE(directory.ok());
  ::chmod(parent().c_str(), 0700);
  const auto given = (*directory)->hand_over(kNobody, kNobody);
  ASSERT_FALSE(given.ok());
  EXPECT_EQ(given.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(given.error().message, HasSubstr("may not enter " + parent()));
}

TEST_F(DataDirectoryTest, WorksForItsNewOwner) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "only root can become another user";
  }
  ::chmod(parent().c_str(), 0755);
  const std::string answer = in_child([&]() -> std::string {
    const auto directory = DataDirectory::open(path());
    if (!directory.ok() || !(*directory)->hand_over(kNobody, kNobody).ok() || ::setgid(kNobody) != 0 ||
        ::setuid(kNobody) != 0) {
      return "cannot hand over";
    }
    auto database = Database::open((*directory)->database_path(), {});
    if (!database) {
      return database.error().message;
    }
    auto functions = SqliteFunctionStore::open(**database);
    FileCodeStore code(**directory);
    const auto stored = store_bytes(code, "abc");
    const auto created = (*functions)->create(sample_function(1));
    return stored.ok() && created.ok() ? "works" : "does not work";
  });
  EXPECT_EQ(answer, "works");
}

}  // namespace
}  // namespace hearth::store::sqlite
