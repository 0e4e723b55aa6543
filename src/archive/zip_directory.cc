#include "archive/zip_directory.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "archive/entry_names.h"

namespace hearth::archive {
namespace {

using base::Error;
using base::ErrorCode;
using base::Result;

// Sizes and signatures of APPNOTE.TXT 6.3.10, sections 4.3.7 to 4.3.16.
constexpr std::string_view kEndSignature("PK\5\6", 4);
constexpr std::string_view kEnd64Signature("PK\6\6", 4);
constexpr std::string_view kLocatorSignature("PK\6\7", 4);
constexpr std::string_view kRecordSignature("PK\1\2", 4);
constexpr std::string_view kLocalSignature("PK\3\4", 4);
constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kEnd64Bytes = 56;
constexpr std::size_t kLocatorBytes = 20;
constexpr std::size_t kRecordBytes = 46;
constexpr std::size_t kLocalBytes = 30;
constexpr std::size_t kCommentBytes = 0xFFFF;
constexpr std::uint64_t kSaturated16 = 0xFFFF;  // "see the zip64 record"
constexpr std::uint64_t kSaturated32 = 0xFFFFFFFF;
constexpr std::uint16_t kZip64Field = 0x0001;
constexpr std::uint16_t kPkwareUnixField = 0x000D;
constexpr std::size_t kPkwareUnixFixedBytes = 12;  // what follows is a device number or a link's target
constexpr unsigned kEncryptedFlags = 0x2041;       // bits 0 (encrypted), 6 (strong), 13 (masked headers)
constexpr unsigned kPatchedFlag = 0x0020;
constexpr unsigned kDescriptorFlag = 0x0008;  // the local header leaves sizes and CRC to a later record

Error bad(std::string message) { return Error{ErrorCode::kInvalidArgument, std::move(message)}; }

Error bad_entry(const ZipRecord& record, std::string_view why) {
  return bad(fmt::format("the entry {} {}", quoted(record.name), why));
}

// Little-endian numbers; the caller has checked that they lie inside.
std::uint64_t number(std::string_view bytes, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = width; i > 0; --i) {
    value = value << 8U | static_cast<std::uint8_t>(bytes[at + i - 1]);
  }
  return value;
}
std::uint16_t u16(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(number(bytes, at, 2));
}
std::uint32_t u32(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint32_t>(number(bytes, at, 4));
}
std::uint64_t u64(std::string_view bytes, std::size_t at) { return number(bytes, at, 8); }

Result<std::string> read_at(int fd, std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t done = 0; done < size;) {
    const ssize_t got = ::pread(fd, bytes.data() + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return base::io_error("cannot read the zip", errno);
    }
    if (got == 0) {
      return bad("the zip is cut off");
    }
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

Result<std::uint64_t> file_size(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) {
    return base::io_error("cannot read the zip", errno);
  }
  if (!S_ISREG(status.st_mode)) {
    return bad("the zip is not a regular file");
  }
  return static_cast<std::uint64_t>(status.st_size);
}

// Where the directory is.
struct Directory {
  std::uint64_t entries = 0;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;
  std::uint64_t end = 0;  // where the first end record begins
};

Error no_end_record(int fd, std::uint64_t size) {
  if (size == 0) {
    return bad("the upload is empty: 0 bytes where a zip is expected");
  }
  const auto head = read_at(fd, 0, static_cast<std::size_t>(std::min<std::uint64_t>(size, 4)));
  if (head && *head == kLocalSignature) {
    return bad("the zip is cut off: its end is missing (was the upload complete?)");
  }
  return bad("this is not a zip file");
}

// A field of the classic end record is either saturated or says the same as the zip64 one.
bool agrees(std::uint64_t classic, std::uint64_t saturated, std::uint64_t value) {
  return classic == saturated || classic == value;
}

Result<Directory> read_zip64_end(int fd, std::string_view locator, std::uint64_t locator_offset,
                                 const Directory& classic) {
  const Error broken = bad("the zip's zip64 end record is broken");
  const std::uint64_t offset = u64(locator, 8);
  if (locator_offset < kEnd64Bytes || offset > locator_offset - kEnd64Bytes) {
    return broken;
  }
  const auto bytes = read_at(fd, offset, kEnd64Bytes);
  if (!bytes) {
    return bytes.error();
  }
  const bool one_disk = u32(locator, 4) == 0 && u32(*bytes, 16) == 0 && u32(*bytes, 20) == 0;
  if (!bytes->starts_with(kEnd64Signature) || u64(*bytes, 4) != locator_offset - offset - 12 || !one_disk ||
      u64(*bytes, 24) != u64(*bytes, 32)) {
    return broken;
  }
  const Directory found{u64(*bytes, 32), u64(*bytes, 40), u64(*bytes, 48), offset};
  if (!agrees(classic.entries, kSaturated16, found.entries) ||
      !agrees(classic.size, kSaturated32, found.size) ||
      !agrees(classic.offset, kSaturated32, found.offset)) {
    return broken;
  }
  return found;
}

Result<Directory> find_directory(int fd, std::uint64_t size) {
  const std::size_t tail_bytes =
      static_cast<std::size_t>(std::min<std::uint64_t>(size, kCommentBytes + kEndBytes + kLocatorBytes));
  const auto tail = read_at(fd, size - tail_bytes, tail_bytes);
  if (!tail) {
    return tail.error();
  }
  const std::size_t at =
      tail_bytes < kEndBytes ? std::string::npos : tail->rfind(kEndSignature, tail_bytes - kEndBytes);
  if (at == std::string::npos) {
    return no_end_record(fd, size);
  }
  const std::string_view end = std::string_view(*tail).substr(at);
  if (end.size() != kEndBytes + u16(end, 20)) {
    return bad("the zip has bytes after its end, or its end is cut off");
  }
  Directory directory{u16(end, 10), u32(end, 12), u32(end, 16), size - end.size()};
  const bool one_disk = (u16(end, 4) == 0 || u16(end, 4) == kSaturated16) &&
                        (u16(end, 6) == 0 || u16(end, 6) == kSaturated16) && u16(end, 8) == u16(end, 10);
  if (!one_disk) {
    return bad("the zip is one part of several: send it as one file");
  }
  if (at >= kLocatorBytes && tail->compare(at - kLocatorBytes, 4, kLocatorSignature) == 0) {
    const std::string_view locator = std::string_view(*tail).substr(at - kLocatorBytes, kLocatorBytes);
    return read_zip64_end(fd, locator, directory.end - kLocatorBytes, directory);
  }
  return directory;
}

Result<void> check_directory(const Directory& directory, const Limits& limits) {
  if (directory.entries > limits.entries) {
    return Error{ErrorCode::kTooLarge,
                 fmt::format("the zip has {} entries; {} are allowed", directory.entries, limits.entries)};
  }
  if (directory.size > kDirectoryBytes) {
    return Error{ErrorCode::kTooLarge, fmt::format("the zip's directory has {} bytes; {} are allowed",
                                                   directory.size, kDirectoryBytes)};
  }
  // The directory stands right before its end record: with bytes in front of the zip, or between
  // the two, readers disagree about where the offsets count from.
  if (directory.offset > directory.end || directory.end - directory.offset != directory.size) {
    return bad("the zip's directory is not where its end record says");
  }
  return {};
}

// Replaces what is saturated in `record` by its zip64 field, which holds only those, in this order.
bool apply_zip64(ZipRecord& record, std::string_view field) {
  std::size_t at = 0;
  for (std::uint64_t* value : {&record.size, &record.packed_size, &record.header_offset}) {
    if (*value != kSaturated32) {
      continue;
    }
    if (field.size() < at + 8) {
      return false;
    }
    *value = u64(field, at);
    at += 8;
  }
  return true;
}

// False when a zip64 field is needed and missing or too short. What else stands there is ignored,
// including padding that is no field.
bool read_extra_fields(ZipRecord& record, std::string_view extra) {
  bool saturated = record.size == kSaturated32 || record.packed_size == kSaturated32 ||
                   record.header_offset == kSaturated32;
  for (std::size_t at = 0; at + 4 <= extra.size();) {
    const std::size_t length = u16(extra, at + 2);
    if (at + 4 + length > extra.size()) {
      break;
    }
    const std::string_view field = extra.substr(at + 4, length);
    if (u16(extra, at) == kZip64Field && saturated) {
      if (!apply_zip64(record, field)) {
        return false;
      }
      saturated = false;
    }
    if (u16(extra, at) == kPkwareUnixField && length > kPkwareUnixFixedBytes) {
      record.is_hard_link = !S_ISLNK(record.unix_mode);
    }
    at += 4 + length;
  }
  return !saturated;
}

// The record at `at` of the directory; moves `at` behind it.
Result<ZipRecord> parse_record(std::string_view directory, std::size_t& at) {
  const std::string_view rest = directory.substr(at);
  if (rest.size() < kRecordBytes || !rest.starts_with(kRecordSignature)) {
    return bad("the zip's directory holds fewer entries than its end record says");
  }
  const std::size_t name_bytes = u16(rest, 28);
  const std::size_t extra_bytes = u16(rest, 30);
  const std::size_t record_bytes = kRecordBytes + name_bytes + extra_bytes + u16(rest, 32);
  if (rest.size() < record_bytes) {
    return bad("the zip's directory is cut off");
  }
  ZipRecord record;
  record.name = rest.substr(kRecordBytes, name_bytes);
  record.flags = u16(rest, 8);
  record.method = u16(rest, 10);
  record.crc = u32(rest, 16);
  record.packed_size = u32(rest, 20);
  record.size = u32(rest, 24);
  record.unix_mode = u16(rest, 40);  // upper half of the external attributes
  record.header_offset = u32(rest, 42);
  if (!read_extra_fields(record, rest.substr(kRecordBytes + name_bytes, extra_bytes))) {
    return bad_entry(record, "has a broken zip64 field");
  }
  at += record_bytes;
  return record;
}

Result<void> check_record(const ZipRecord& record) {
  if ((record.flags & kEncryptedFlags) != 0) {
    return bad_entry(record, "is encrypted: zip it without a password");
  }
  const bool stored = record.method == static_cast<std::uint16_t>(Method::kStored);
  const bool deflated = record.method == static_cast<std::uint16_t>(Method::kDeflated);
  if ((!stored && !deflated) || (record.flags & kPatchedFlag) != 0) {
    return bad_entry(record,
                     fmt::format("is compressed by method {}: only stored and deflated entries are accepted",
                                 record.method));
  }
  if (stored && record.packed_size != record.size) {
    return bad_entry(record, "is stored uncompressed, but states two different sizes");
  }
  return {};
}

// Whether the local header tells the same as the directory. Its sizes and CRC may be left to a data
// descriptor or a zip64 field; they are not used.
bool local_header_agrees(const ZipRecord& record, std::string_view local) {
  if (!local.starts_with(kLocalSignature) || u16(local, 26) != record.name.size() ||
      local.substr(kLocalBytes) != record.name || u16(local, 8) != record.method) {
    return false;
  }
  const unsigned flags = u16(local, 6);
  if ((flags & (kEncryptedFlags | kPatchedFlag)) != 0) {
    return false;
  }
  const auto same = [&](std::size_t field, std::uint64_t value) {
    return u32(local, field) == value || u32(local, field) == kSaturated32;
  };
  return (flags & kDescriptorFlag) != 0 ||
         (u32(local, 14) == record.crc && same(18, record.packed_size) && same(22, record.size));
}

struct Extent {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  const ZipRecord* record = nullptr;
};

// The bytes from the entry's local header to the end of its data.
Result<Extent> find_extent(int fd, const ZipRecord& record, std::uint64_t directory_offset) {
  const std::uint64_t header_bytes = kLocalBytes + record.name.size();
  if (record.header_offset > directory_offset || directory_offset - record.header_offset < header_bytes) {
    return bad_entry(record, "lies outside of the zip");
  }
  const auto local = read_at(fd, record.header_offset, static_cast<std::size_t>(header_bytes));
  if (!local) {
    return local.error();
  }
  if (!local_header_agrees(record, *local)) {
    return bad_entry(record, "contradicts itself: its header and the zip's directory differ");
  }
  const std::uint64_t data_offset = record.header_offset + header_bytes + u16(*local, 28);
  if (data_offset > directory_offset || directory_offset - data_offset < record.packed_size) {
    return bad_entry(record, "reaches past the end of the zip's data");
  }
  return Extent{record.header_offset, data_offset + record.packed_size, &record};
}

Result<void> check_extents(int fd, const std::vector<ZipRecord>& records, std::uint64_t directory_offset) {
  std::vector<Extent> extents;
  extents.reserve(records.size());
  for (const auto& record : records) {
    auto extent = find_extent(fd, record, directory_offset);
    if (!extent) {
      return extent.error();
    }
    extents.push_back(*extent);
  }
  std::ranges::sort(extents, {}, &Extent::begin);
  const auto overlap =
      std::ranges::adjacent_find(extents, [](const Extent& a, const Extent& b) { return b.begin < a.end; });
  if (overlap != extents.end()) {
    return bad_entry(*overlap->record,
                     fmt::format("overlaps the entry {}", quoted(std::next(overlap)->record->name)));
  }
  return {};
}

}  // namespace

Result<std::vector<ZipRecord>> read_directory(int zip_fd, const Limits& limits) {
  const auto size = file_size(zip_fd);
  if (!size) {
    return size.error();
  }
  const auto directory = find_directory(zip_fd, *size);
  if (!directory) {
    return directory.error();
  }
  if (auto checked = check_directory(*directory, limits); !checked) {
    return checked.error();
  }
  const auto bytes = read_at(zip_fd, directory->offset, static_cast<std::size_t>(directory->size));
  if (!bytes) {
    return bytes.error();
  }
  std::vector<ZipRecord> records;
  records.reserve(static_cast<std::size_t>(directory->entries));
  std::size_t at = 0;
  while (records.size() < directory->entries) {
    auto record = parse_record(*bytes, at);
    if (!record) {
      return record.error();
    }
    if (auto checked = check_record(*record); !checked) {
      return checked.error();
    }
    records.push_back(std::move(*record));
  }
  if (at != bytes->size()) {
    return bad("the zip's directory holds more than its end record says");
  }
  if (auto checked = check_extents(zip_fd, records, directory->offset); !checked) {
    return checked.error();
  }
  return records;
}

}  // namespace hearth::archive
