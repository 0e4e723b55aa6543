#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "archive/archive.h"
#include "archive/inspect_checks.h"
#include "archive/zip_builder.h"

namespace hearth::archive {
namespace {

using base::ErrorCode;

TEST(ZipDirectory, RefusesWhatIsNoZip) {
  expect_refused(inspect_bytes(""), "the upload is empty");
  expect_refused(inspect_bytes("hello"), "not a zip");
  expect_refused(inspect_bytes(std::string(100'000, 'x')), "not a zip");
  expect_refused(inspect_bytes("\x1F\x8B" + std::string(1'000, 'x')), "not a zip");
}

TEST(ZipDirectory, RefusesWhatIsNoFile) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const base::UniqueFd reading(ends[0]);
  const base::UniqueFd writing(ends[1]);
  expect_refused(inspect(reading.get(), {}), "not a regular file");
  expect_refused(inspect(-1, {}), "cannot read the zip", ErrorCode::kIo);
}

TEST(ZipDirectory, RefusesEveryTruncation) {
  auto packed = file("b", std::string(500, 'b'));
  packed.method = 8;
  const std::string zip = build_zip({kIndex, packed, link("l", "b")});
  ASSERT_TRUE(inspect_bytes(zip).ok());
  for (std::size_t size = 0; size < zip.size(); ++size) {
    ASSERT_FALSE(inspect_bytes(zip.substr(0, size)).ok()) << size;
    ASSERT_FALSE(inspect_bytes(zip.substr(size + 1)).ok()) << size;
  }
  expect_refused(inspect_bytes(zip.substr(0, zip.size() / 2)), "cut off");
}

TEST(ZipDirectory, RefusesBytesAroundTheZip) {
  const std::string zip = build_zip({kIndex});
  expect_refused(inspect_bytes(zip + "x"), "bytes after its end");
  expect_refused(inspect_bytes(zip + std::string(70'000, '\0')), "cut off");
  expect_refused(inspect_bytes("#!/bin/sh\n" + zip), "directory is not where");
  expect_refused(inspect_bytes(zip + zip), "directory is not where");
}

TEST(ZipDirectory, RefusesEncryptedEntries) {
  for (const std::uint16_t flag : std::vector<std::uint16_t>{0x0001, 0x0041, 0x2000}) {
    auto secret = file("s");
    secret.flags = flag;
    expect_refused({kIndex, secret}, "is encrypted");
  }
}

TEST(ZipDirectory, RefusesOtherCompression) {
  for (const std::uint16_t method : std::vector<std::uint16_t>{1, 6, 9, 12, 14, 93, 95, 98, 99}) {
    auto odd = file("s");
    odd.method = method;
    expect_refused({kIndex, odd}, "is compressed by method " + std::to_string(method));
  }
}

TEST(ZipDirectory, RefusesRecordsThatShareAnEntry) {
  auto again = kIndex;
  again.no_local = true;
  again.header_offset = 0;
  expect_refused({kIndex, again}, "overlaps");
  again.name = "other.js";
  expect_refused({kIndex, again}, "contradicts itself");
}

// Fifield's bomb: each deflate stream begins with a stored block that quotes the next local header.
TEST(ZipDirectory, RefusesTheQuotedOverlapBomb) {
  const BuiltEntry kernel{.name = "b", .content = std::string(1'000, 'x'), .method = 8};
  const std::string kernel_header = build_zip({kernel}).substr(0, 30 + 1 + deflated(kernel.content).size());
  const std::string quoted_header = kernel_header.substr(0, 31);
  const std::string quote = std::string(1, '\0') + le16(31) + le16(0xFFFFU ^ 31U) + quoted_header;
  BuiltEntry outer{.name = "a", .content = quoted_header + kernel.content, .method = 8};
  outer.packed = quote + deflated(kernel.content);
  auto inner = kernel;
  inner.no_local = true;
  inner.header_offset = static_cast<std::uint32_t>(30 + 1 + 5);
  EXPECT_TRUE(inspect_entries({outer}).ok());  // one alone is an honest zip
  expect_refused({outer, inner}, "overlaps the entry 'b'");
}

// The same by an extra field of the local header, which needs no deflate.
TEST(ZipDirectory, RefusesOverlapThroughTheExtraField) {
  const BuiltEntry inner{.name = "b", .content = "payload"};
  const std::string inner_bytes = build_zip({inner}).substr(0, 30 + 1 + 7);
  BuiltEntry outer{.name = "a", .content = "payload"};
  outer.local_extra = le16(0x9999) + le16(31) + inner_bytes.substr(0, 31);
  auto shared = inner;
  shared.no_local = true;
  shared.header_offset = 30 + 1 + 4;
  expect_refused({outer, shared}, "overlaps");
}

TEST(ZipDirectory, RefusesHeadersThatDisagree) {
  auto renamed = file("a.js");
  renamed.local_name = "b.js";
  expect_refused({kIndex, renamed}, "contradicts itself");
  auto resized = file("a.js");
  resized.local_size = 99;
  expect_refused({kIndex, resized}, "contradicts itself");
  auto far = file("a.js");
  far.header_offset = 1'000'000;
  expect_refused({kIndex, far}, "outside of the zip");
  auto long_data = file("a.js");
  long_data.method = 8;
  long_data.packed_size = 1'000'000;
  expect_refused({kIndex, long_data}, "past the end");
}

TEST(ZipDirectory, RefusesEndRecordsThatLie) {
  expect_refused(inspect_bytes(build_zip({kIndex}, {.entries = 0})), "more than its end record");
  expect_refused(inspect_bytes(build_zip({kIndex, file("a")}, {.entries = 1})), "more than its end record");
  expect_refused(inspect_bytes(build_zip({kIndex}, {.entries = 2})), "fewer entries");
  expect_refused(inspect_bytes(build_zip({kIndex}, {.directory_size = 10})), "not where");
  expect_refused(inspect_bytes(build_zip({kIndex}, {.directory_offset = 0})), "not where");
  expect_refused(inspect_bytes(build_zip({kIndex}, {.directory_offset = 0xFFFFFFF0})), "not where");
  expect_refused(inspect_bytes(build_zip({kIndex}, {.disk = 1})), "one part of several");
}

// A second end record in the comment: readers that search from the front would see another zip.
TEST(ZipDirectory, RefusesAZipInTheComment) {
  const std::string inner = build_zip({file("inner.js")});
  expect_refused(inspect_bytes(build_zip({kIndex}, {.comment = inner})), "not where");
}

TEST(ZipDirectory, RefusesBrokenZip64Fields) {
  auto huge = file("a");
  huge.size = 0xFFFFFFFF;
  expect_refused({kIndex, huge}, "zip64");
  huge.central_extra = le16(1) + le16(4) + le32(1);
  expect_refused({kIndex, huge}, "zip64");
  huge.central_extra = le16(1) + le16(8) + le64(1ULL << 62U);
  huge.method = 8;
  expect_refused({kIndex, huge}, "unpacks to more than", ErrorCode::kTooLarge);
  auto far = file("a");
  far.header_offset = 0xFFFFFFFF;
  far.central_extra = le16(1) + le16(8) + le64(~0ULL);
  expect_refused({kIndex, far}, "outside of the zip");
}

TEST(ZipDirectory, RefusesZip64EndRecordsThatLie) {
  const std::string zip = build_zip({kIndex}, {.zip64 = true});
  const std::size_t end64 = zip.find("PK\6\6");
  for (const std::size_t field : {4U, 16U, 20U, 24U, 32U, 40U, 48U, 56U + 8U}) {
    std::string lie = zip;
    lie[end64 + field] = static_cast<char>(lie[end64 + field] + 1);
    EXPECT_FALSE(inspect_bytes(lie).ok()) << field;
    lie[end64 + field + 3] = '\x7F';
    EXPECT_FALSE(inspect_bytes(lie).ok()) << field;
  }
}

TEST(ZipDirectory, SurvivesAnyChangedByte) {
  auto packed = file("lib/b", std::string(100, 'b'));
  packed.method = 8;
  packed.descriptor = true;
  const std::string zip = build_zip({kIndex, folder("lib/"), packed, link("l", "lib/b")}, {.zip64 = true});
  for (std::size_t at = 0; at < zip.size(); ++at) {
    for (const char value : {'\0', '\x01', '\x7F', '\xFF'}) {
      std::string changed = zip;
      changed[at] = value;
      (void)inspect_bytes(changed, {.unzipped_bytes = 1'000});
    }
  }
}

}  // namespace
}  // namespace hearth::archive
