#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <utility>

#include "archive/archive.h"
#include "archive/scratch_folder.h"

namespace hearth::archive {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;

base::Result<Contents> pack(const ScratchFolder& folder, const fs::path& zip) {
  return pack_folder(folder.path(), zip, {});
}

base::Result<Contents> inspect_file(const fs::path& zip) {
  return inspect(base::UniqueFd(::open(zip.c_str(), O_RDONLY | O_CLOEXEC)).get(), {});
}

TEST(PackFolder, KeepsContentModesAndLinks) {
  const ScratchFolder folder;
  const ScratchFolder out;
  const ScratchFolder unpacked;
  folder.write("index.js", "module.exports = x => x\n");
  folder.write("lib/big.txt", std::string(300'000, 'x'));
  folder.write(
      "gr\xC3\xBC\xC3\x9F"
      "e",
      "");
  folder.write("run.sh", "#!/bin/sh\n");
  fs::permissions(folder / "run.sh", fs::perms(0700));
  fs::permissions(folder / "index.js", fs::perms(0600));
  fs::create_directories(folder / "void/in/void");
  fs::create_symlink("../index.js", folder / "lib/link");
  const auto packed = pack(folder, out / "code.zip");
  ASSERT_TRUE(packed.ok()) << packed.error().message;
  EXPECT_THAT(packed->paths, ElementsAre("gr\xC3\xBC\xC3\x9F"
                                         "e",
                                         "index.js", "lib/big.txt", "run.sh"));
  EXPECT_LT(fs::file_size(out / "code.zip"), 5'000U);
  const base::UniqueFd zip(::open((out / "code.zip").c_str(), O_RDONLY | O_CLOEXEC));
  const auto contents = unpack(zip.get(), unpacked.open().get(), {});
  ASSERT_TRUE(contents.ok()) << contents.error().message;
  EXPECT_EQ(*packed, *contents);
  EXPECT_EQ(unpacked.read("lib/link"), folder.read("index.js"));
  EXPECT_TRUE(fs::is_symlink(unpacked / "lib/link"));
  EXPECT_EQ(unpacked.read("lib/big.txt"), folder.read("lib/big.txt"));
  EXPECT_EQ(unpacked.mode("run.sh"), fs::perms(0755));
  EXPECT_EQ(unpacked.mode("index.js"), fs::perms(0644));
  EXPECT_TRUE(fs::is_directory(unpacked / "void/in/void"));
}

TEST(PackFolder, MakesTheSameBytesForTheSameContent) {
  const ScratchFolder first;
  const ScratchFolder second;
  const ScratchFolder out;
  for (const char* name : {"index.js", "a", "b/c", "B"}) {
    first.write(name, name);
  }
  for (const char* name : {"B", "b/c", "a", "index.js"}) {
    second.write(name, name);
    fs::last_write_time(second / name, fs::file_time_type::clock::now() - std::chrono::hours(1'000));
  }
  fs::permissions(second / "a", fs::perms(0640));
  ASSERT_TRUE(pack(first, out / "1.zip").ok());
  ::setenv("TZ", "Asia/Tokyo", 1);
  ::tzset();
  ASSERT_TRUE(pack(second, out / "2.zip").ok());
  ::unsetenv("TZ");
  ::tzset();
  EXPECT_EQ(out.read("1.zip"), out.read("2.zip"));
  second.write("a", "changed");
  ASSERT_TRUE(pack(second, out / "2.zip").ok());
  EXPECT_NE(out.read("1.zip"), out.read("2.zip"));
}

TEST(PackFolder, LeavesOutWhatTheIgnoreFileNames) {
  const ScratchFolder folder;
  const ScratchFolder out;
  for (const char* name : {"index.js", "debug.log", "keep.log", "build/x", "src/build/x", "src/a.test.js",
                           ".git/HEAD", ".gitignore", ".env", "sub/.hearthignore"}) {
    folder.write(name, name);
  }
  folder.write(".hearthignore", "# leftovers\n*.log\n!keep.log\n/build/\n**/*.test.js\n.env\n");
  const auto packed = pack(folder, out / "code.zip");
  ASSERT_TRUE(packed.ok()) << packed.error().message;
  EXPECT_THAT(packed->paths,
              ElementsAre(".gitignore", "index.js", "keep.log", "src/build/x", "sub/.hearthignore"));
}

TEST(PackFolder, NeverEntersAnIgnoredFolder) {
  const ScratchFolder folder;
  const ScratchFolder out;
  folder.write("index.js", "");
  folder.write("private/key", "");
  ASSERT_EQ(::mkfifo((folder / "private/pipe").c_str(), 0600), 0);
  folder.write(".hearthignore", "private\n!private/key\n");
  const auto packed = pack(folder, out / "code.zip");
  ASSERT_TRUE(packed.ok()) << packed.error().message;
  EXPECT_THAT(packed->paths, ElementsAre("index.js"));
}

TEST(PackFolder, LetsTheIgnoreFileTakeGitBackIn) {
  const ScratchFolder folder;
  const ScratchFolder out;
  folder.write(".git/HEAD", "");
  folder.write(".hearthignore", "!.git\n!.hearthignore\n");
  const auto packed = pack(folder, out / "code.zip");
  ASSERT_TRUE(packed.ok()) << packed.error().message;
  EXPECT_THAT(packed->paths, ElementsAre(".git/HEAD", ".hearthignore"));
}

TEST(PackFolder, RefusesWhatNoZipHolds) {
  const ScratchFolder out;
  const ScratchFolder with_pipe;
  with_pipe.write("index.js", "");
  ASSERT_EQ(::mkfifo((with_pipe / "pipe").c_str(), 0600), 0);
  const auto pipe = pack(with_pipe, out / "code.zip");
  ASSERT_FALSE(pipe.ok());
  EXPECT_THAT(pipe.error().message, HasSubstr("'pipe' is a socket, pipe or device"));

  const ScratchFolder with_socket;
  with_socket.write("index.js", "");
  const base::UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (with_socket / "s").c_str(), sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  const auto socket = pack(with_socket, out / "code.zip");
  ASSERT_FALSE(socket.ok());
  EXPECT_THAT(socket.error().message, HasSubstr("'s' is a socket, pipe or device"));
  EXPECT_FALSE(fs::exists(out / "code.zip"));
}

TEST(PackFolder, RefusesSymlinksThatLeave) {
  const ScratchFolder out;
  for (const auto& [target, why] : {std::pair{"/etc/hostname", "absolute"}, std::pair{"../x", "outside"}}) {
    const ScratchFolder folder;
    folder.write("index.js", "");
    fs::create_symlink(target, folder / "l");
    const auto packed = pack(folder, out / "code.zip");
    ASSERT_FALSE(packed.ok());
    EXPECT_EQ(packed.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(packed.error().message, HasSubstr(why));
  }
}

TEST(PackFolder, RefusesAFolderWithoutFiles) {
  const ScratchFolder folder;
  const ScratchFolder out;
  EXPECT_THAT(pack(folder, out / "code.zip").error().message, HasSubstr("no file to pack"));
  fs::create_directory(folder / "a");
  EXPECT_THAT(pack(folder, out / "code.zip").error().message, HasSubstr("no file to pack"));
  const auto missing = pack_folder(folder / "missing", out / "code.zip", {});
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.error().message, HasSubstr("No such file"));
}

TEST(PackFolder, LeavesOutTheZipItWrites) {
  const ScratchFolder folder;
  folder.write("index.js", "");
  for (int i = 0; i < 2; ++i) {
    const auto packed = pack(folder, folder / "code.zip");
    ASSERT_TRUE(packed.ok()) << packed.error().message;
    EXPECT_THAT(packed->paths, ElementsAre("index.js"));
  }
}

TEST(PackFolder, SaysWhereItCannotWrite) {
  const ScratchFolder folder;
  folder.write("index.js", "");
  const auto packed = pack(folder, "/nonexistent/code.zip");
  ASSERT_FALSE(packed.ok());
  EXPECT_EQ(packed.error().code, ErrorCode::kIo);
  EXPECT_THAT(packed.error().message, HasSubstr("/nonexistent/code.zip"));
}

TEST(PackFolder, ReportsProgressAndPacksATreeOfTwoThousandFiles) {
  const ScratchFolder folder;
  const ScratchFolder out;
  folder.write("index.js", "require('m0')\n");
  for (int module = 0; module < 200; ++module) {
    const std::string name = "node_modules/m" + std::to_string(module);
    for (int file = 0; file < 10; ++file) {
      folder.write(name + "/lib/f" + std::to_string(file) + ".js",
                   "exports.f = " + std::to_string(file) + ";\n");
    }
    fs::create_directories(folder / "node_modules/.bin");
    fs::create_symlink("../m" + std::to_string(module) + "/lib/f0.js",
                       folder / ("node_modules/.bin/m" + std::to_string(module)));
  }
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  PackOptions options;
  options.progress = [&](std::uint64_t files_now, std::uint64_t bytes_now) {
    EXPECT_EQ(files_now, files + 1);
    EXPECT_GE(bytes_now, bytes);
    files = files_now;
    bytes = bytes_now;
  };
  const auto packed = pack_folder(folder.path(), out / "code.zip", options);
  ASSERT_TRUE(packed.ok()) << packed.error().message;
  EXPECT_EQ(files, 2'001U);
  EXPECT_EQ(packed->files, 2'001U);
  const auto inspected = inspect_file(out / "code.zip");
  ASSERT_TRUE(inspected.ok()) << inspected.error().message;
  EXPECT_EQ(*packed, *inspected);
}

}  // namespace
}  // namespace hearth::archive
