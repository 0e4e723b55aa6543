#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "archive/archive.h"
#include "archive/inspect_checks.h"
#include "archive/zip_builder.h"

namespace hearth::archive {
namespace {

using base::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;

std::string corpus_folder() {
  const char* source = std::getenv("HEARTH_SOURCE_DIR");
  return std::string(source == nullptr ? "." : source) + "/fuzz/corpus/zip/";
}

TEST(Inspect, ListsFilesAndCountsBytes) {
  const auto contents = inspect_entries({kIndex, folder("lib/"), file("lib/a", "12345")});
  ASSERT_TRUE(contents.ok()) << contents.error().message;
  EXPECT_EQ(contents->files, 2U);
  EXPECT_EQ(contents->unzipped_bytes, kIndex.content.size() + 5);
  EXPECT_THAT(contents->paths, ElementsAre("index.js", "lib/a"));
}

TEST(Inspect, AcceptsWhatOrdinaryToolsMake) {
  for (const char* name : {"made_by_zip", "made_by_zip_no_folders", "made_by_zip_streamed", "made_by_python",
                           "made_by_python_streamed_zip64", "made_by_python_zip64", "made_by_jszip",
                           "made_by_jszip_deflated_streamed", "made_by_jar"}) {
    const base::UniqueFd zip(::open((corpus_folder() + name + ".zip").c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(zip.valid()) << name;
    const auto contents = inspect(zip.get(), {});
    ASSERT_TRUE(contents.ok()) << name << ": " << contents.error().message;
    EXPECT_THAT(contents->paths, testing::Contains("index.js")) << name;
  }
}

TEST(Inspect, AcceptsWhatFinderMakes) {
  const std::string dates = "UX" + le16(8) + le64(0);
  auto index = kIndex;
  index.method = 8;
  index.descriptor = true;
  index.local_extra = dates + le64(0);
  index.central_extra = dates;
  auto twin = file("__MACOSX/._index.js", std::string(120, '\0'));
  twin.method = 8;
  twin.descriptor = true;
  expect_accepted({index, folder("lib/"),
                   file("lib/Gru\xCC\x88\xC3\x9F"
                        "e.txt"),
                   folder("__MACOSX/"), twin});
}

TEST(Inspect, AcceptsHonestVariants) {
  auto no_mode = kIndex;
  no_mode.unix_mode = 0;
  auto typeless = file("a");
  typeless.unix_mode = 0600;  // as Python's writestr leaves it
  auto deflated_folder = folder("f/");
  deflated_folder.method = 8;  // as Java does
  expect_accepted({no_mode, typeless, deflated_folder});
  expect_accepted({file("a/b/c"), folder("a/"), folder("a/b/")});  // folders after their files
  expect_accepted({kIndex, file("empty", "")});
  EXPECT_TRUE(inspect_bytes(build_zip({kIndex}, {.comment = "a comment"})).ok());
  EXPECT_TRUE(inspect_bytes(build_zip({kIndex}, {.zip64 = true})).ok());
}

TEST(Inspect, RefusesAnEmptyZip) {
  expect_refused(std::vector<BuiltEntry>{}, "no file in it");
  expect_refused({folder("a/")}, "no file in it");
  expect_refused({link("a", "b")}, "no file in it");
}

TEST(Inspect, RefusesPathsThatLeave) {
  for (const char* name : {"../a", "a/../../b", "a/..", "..", "a/../b"}) {
    expect_refused({kIndex, file(name)}, "climbs out");
  }
  for (const char* name : {"/etc/passwd", "//a", "/"}) {
    expect_refused({kIndex, file(name)}, name == std::string("/") ? "named as one kind" : "absolute");
  }
  expect_refused({kIndex, folder("../")}, "climbs out");
  expect_refused({kIndex, folder("/a/")}, "absolute");
}

TEST(Inspect, RefusesOddNames) {
  expect_refused({kIndex, file("..\\a")}, "backslash");
  expect_refused({kIndex, file("C:\\a")}, "backslash");
  expect_refused({kIndex, file("")}, "empty name");
  expect_refused({kIndex, file("a//b")}, "empty name");
  expect_refused({kIndex, folder("a//")}, "empty name");
  expect_refused({kIndex, file("./a")}, "'.' as a folder");
  expect_refused({kIndex, file(std::string("a\0b", 3))}, "control character");
  expect_refused({kIndex, file("a\nb")}, "control character");
  expect_refused({kIndex, file("a\x1B[2J")}, "control character");
  expect_refused({kIndex, file("a\x7F")}, "control character");
  expect_refused({kIndex, file("a\xC2\x9B"
                               "2J")},
                 "control character");
}

TEST(Inspect, RefusesNamesThatAreNotUtf8) {
  for (const char* name : {"gr\xFC\xDF"
                           "e",
                           "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "a\xC3", "\xE0\x80\xAF", "\x80"}) {
    expect_refused({kIndex, file(name)}, "not UTF-8");
  }
  expect_accepted({kIndex,
                   file("gr\xC3\xBC\xC3\x9F"
                        "e"),
                   file("\xE2\x82\xAC"), file("\xF0\x9F\x8C\x8D")});
}

TEST(Inspect, KeepsTerminalsSafeInItsMessages) {
  const auto result = inspect_entries({kIndex, file("a\x1B[2J\n\xFF")});
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, HasSubstr("'a\\x1b[2J\\x0a\\xff'"));
  const auto long_name = inspect_entries({kIndex, file("/" + std::string(1'000, 'a'))});
  EXPECT_LT(long_name.error().message.size(), 300U);
}

TEST(Inspect, RefusesDuplicates) {
  expect_refused({kIndex, kIndex}, "occurs twice");
  expect_refused({kIndex, folder("a/"), folder("a/")}, "occurs twice");
  expect_refused({kIndex, link("a", "b"), file("a")}, "occurs twice");
  expect_refused({kIndex, file("a"), file("a/b")}, "no folder");
  expect_refused({kIndex, file("a/b"), file("a")}, "folder and something else");
  expect_refused({kIndex, file("a"), folder("a/")}, "folder and something else");
  expect_refused({kIndex, folder("a/"), link("a", "b")}, "folder and something else");
}

TEST(Inspect, RefusesWritingThroughSymlinks) {
  expect_refused({kIndex, link("a", "b"), file("a/c")}, "no folder");
  expect_refused({kIndex, file("a/c"), link("a", "b")}, "folder and something else");
  expect_refused({kIndex, link("a", "b"), folder("a/c/")}, "no folder");
  expect_refused({kIndex, link("a", "b"), file("a/c/d/e")}, "no folder");
}

TEST(Inspect, RefusesSymlinksThatLeave) {
  for (const char* target : {"..", "../x", "a/../..", "/", "/etc/passwd", "./../x", ".//.."}) {
    ASSERT_FALSE(inspect_entries({kIndex, link("l", target)}).ok()) << target;
  }
  expect_refused({kIndex, link("a/l", "../../x")}, "outside");
  expect_refused({kIndex, link("l", "/etc")}, "absolute");
  // Each is inside as text; followed through the other, the second leaves.
  expect_refused({kIndex, link("a/b/up", "../.."), link("a/l", "b/up/../x")}, "only leading '..'");
  expect_refused({kIndex, link("l", "")}, "no plain path");
  expect_refused({kIndex, link("l", std::string("a\0b", 3))}, "no plain path");
  expect_refused({kIndex, link("l", std::string(2'000, 'a'))}, "too long");
}

TEST(Inspect, AcceptsSymlinksThatStayInside) {
  expect_accepted({kIndex, link("l", "index.js"), link("a/l", "../index.js"), link("a/b/up", "../.."),
                   link("node_modules/.bin/tsc", "../typescript/bin/tsc"), link("dangling", "no/such/file"),
                   link("self", "."), link("dots", "./a/...")});
}

TEST(Inspect, RefusesSpecialEntries) {
  for (const std::uint32_t type : {0020666U, 0060666U, 0010666U, 0140666U, 0110666U}) {
    auto special = file("s");
    special.unix_mode = type;
    expect_refused({kIndex, special}, "device, socket or pipe");
  }
  for (const std::uint32_t mode : {0104755U, 0102755U, 0106755U, 0004755U}) {
    auto setuid = file("s");
    setuid.unix_mode = mode;
    expect_refused({kIndex, setuid}, "setuid");
  }
  auto shared_folder = folder("f/");
  shared_folder.unix_mode = 042775;
  expect_accepted({kIndex, shared_folder});
}

TEST(Inspect, RefusesHardLinks) {
  auto hard_link = file("h", "");
  hard_link.central_extra = le16(0x000D) + le16(12 + 8) + std::string(12, '\0') + "index.js";
  expect_refused({kIndex, hard_link}, "hard link");
  auto dates_only = file("d");
  dates_only.central_extra = le16(0x000D) + le16(12) + std::string(12, '\0');
  expect_accepted({kIndex, dates_only});
}

TEST(Inspect, RefusesContradictingKinds) {
  auto folder_without_slash = file("a");
  folder_without_slash.unix_mode = 040755;
  expect_refused({kIndex, folder_without_slash}, "one kind");
  auto file_with_slash = file("a/");
  expect_refused({kIndex, file_with_slash}, "one kind");
  auto full_folder = folder("a/");
  full_folder.content = "x";
  expect_refused({kIndex, full_folder}, "folder with content");
}

TEST(Inspect, RefusesDamagedContent) {
  auto wrong_crc = file("a", "content");
  wrong_crc.crc = 1;
  expect_refused({kIndex, wrong_crc}, "CRC");
  wrong_crc.method = 8;
  expect_refused({kIndex, wrong_crc}, "CRC");
  auto garbage = file("a", "content");
  garbage.method = 8;
  garbage.packed = "\xFF\xFF\xFF\xFF\xFF\xFF";
  expect_refused({kIndex, garbage}, "damaged");
  auto half = file("a", std::string(10'000, 'x') + std::to_string(12345));
  half.method = 8;
  half.packed = deflated(half.content).substr(0, 12);
  expect_refused({kIndex, half}, "the entry 'a'");
  auto link_crc = link("l", "index.js");
  link_crc.crc = 1;
  expect_refused({kIndex, link_crc}, "CRC");
}

TEST(Inspect, RefusesLiesAboutTheSize) {
  const std::string content(300'000, 'x');
  auto more = file("a", content);
  more.method = 8;
  more.size = 10;
  expect_refused({kIndex, more}, "more than the 10 bytes");
  auto fewer = file("a", content);
  fewer.method = 8;
  fewer.size = 300'001;
  expect_refused({kIndex, fewer}, "bytes");
  auto stored = file("a", "0123456789");
  stored.size = 4;
  expect_refused({kIndex, stored}, "two different sizes");
  auto link_size = link("l", content);
  link_size.method = 8;
  link_size.size = 5;
  expect_refused({kIndex, link_size}, "more than the 5 bytes");
}

TEST(Inspect, StopsABombAtTheLimit) {
  auto bomb = file("bomb", std::string(20U << 20U, '\0'));
  bomb.method = 8;
  const Limits limits{.unzipped_bytes = 1U << 20U};
  const std::string honest = build_zip({kIndex, bomb});
  EXPECT_LT(honest.size(), 100'000U);
  expect_refused(inspect_bytes(honest, limits), "more than 1048576 bytes", ErrorCode::kTooLarge);
  bomb.size = 100;
  expect_refused(inspect_bytes(build_zip({kIndex, bomb}), limits), "more than the 100 bytes");
}

TEST(Inspect, CountsTheBytesOfAllEntriesTogether) {
  const Limits limits{.unzipped_bytes = 10};
  EXPECT_TRUE(inspect_entries({file("a", "12345"), file("b", "12345")}, limits).ok());
  expect_refused(inspect_entries({file("a", "12345"), file("b", "12345"), file("c", "1")}, limits),
                 "more than 10 bytes", ErrorCode::kTooLarge);
  auto huge = file("a", "x");
  huge.size = 0xFFFFFFFE;
  huge.method = 8;
  expect_refused(inspect_entries({huge, huge}, limits), "more than 10 bytes", ErrorCode::kTooLarge);
}

TEST(Inspect, CountsEntriesAndTheFoldersTheyImply) {
  const Limits limits{.entries = 10};
  std::vector<BuiltEntry> entries;
  for (int i = 0; i < 10; ++i) {
    entries.push_back(file("f" + std::to_string(i)));
  }
  EXPECT_TRUE(inspect_entries(entries, limits).ok());
  entries.push_back(file("one more"));
  expect_refused(inspect_entries(entries, limits), "11 entries; 10 are allowed", ErrorCode::kTooLarge);
  EXPECT_TRUE(inspect_entries({file("1/2/3/4/5/6/7/8/9/f")}, limits).ok());
  expect_refused(inspect_entries({file("1/2/3/4/5/6/7/8/9/10/f")}, limits), "more than 10 files and folders",
                 ErrorCode::kTooLarge);
}

TEST(Inspect, BoundsDepthAndLength) {
  const Limits limits{.path_bytes = 20, .path_depth = 3};
  EXPECT_TRUE(inspect_entries({file("1/2/3/f")}, limits).ok());
  expect_refused(inspect_entries({file("1/2/3/4/f")}, limits), "more than 3 folders deep",
                 ErrorCode::kTooLarge);
  EXPECT_TRUE(inspect_entries({file(std::string(20, 'a'))}, limits).ok());
  expect_refused(inspect_entries({file(std::string(21, 'a'))}, limits), "longer than 20 bytes",
                 ErrorCode::kTooLarge);
  EXPECT_TRUE(inspect_entries({file(std::string(255, 'a'))}).ok());
  expect_refused(inspect_entries({file(std::string(256, 'a'))}), "longer than 255 bytes",
                 ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace hearth::archive
