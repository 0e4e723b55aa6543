// Makes small zips for tests and can lie about every field of them.
//
// Tests only. A field left empty is what an honest tool would write.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace hearth::archive {

struct BuiltEntry {
  std::string name = {};
  std::string content = {};
  std::uint16_t method = 0;  // 0 stored, 8 deflated; anything else is written as stored
  std::uint32_t unix_mode = 0100644;
  std::uint16_t flags = 0x0800;  // names are UTF-8
  bool descriptor = false;       // sizes and CRC follow the data; the local header has zeros

  // Lies.
  std::optional<std::uint32_t> crc = std::nullopt;
  std::optional<std::uint32_t> size = std::nullopt;
  std::optional<std::uint32_t> packed_size = std::nullopt;
  std::optional<std::uint32_t> header_offset = std::nullopt;
  std::optional<std::string> packed = std::nullopt;  // the data as it stands in the zip
  std::optional<std::string> local_name = std::nullopt;
  std::optional<std::uint32_t> local_size = std::nullopt;
  std::string local_extra = {};
  std::string central_extra = {};
  bool no_local = false;  // only a record of the directory; needs header_offset
};

struct BuiltEnd {
  std::string comment = {};
  std::optional<std::uint16_t> entries = std::nullopt;
  std::optional<std::uint32_t> directory_size = std::nullopt;
  std::optional<std::uint32_t> directory_offset = std::nullopt;
  std::uint16_t disk = 0;
  bool zip64 = false;  // a zip64 end record too, and saturated fields
};

std::string build_zip(const std::vector<BuiltEntry>& entries, const BuiltEnd& end = {});

std::string deflated(const std::string& content);
std::uint32_t crc_of(const std::string& content);

// Little-endian.
std::string le16(std::uint64_t value);
std::string le32(std::uint64_t value);
std::string le64(std::uint64_t value);

// A file without a name that holds `bytes`.
base::UniqueFd as_file(const std::string& bytes);

}  // namespace hearth::archive
