// The central directory of a zip, read byte by byte and held against the local headers.
//
// libzip decompresses, but does not say where an entry lies, accepts entries that share bytes (the
// "quoted overlap" bombs), cuts names at a NUL and picks one of several end records. So this runs
// first and accepts only zips that every reader reads the same way: one end record that ends the
// file, a directory right before it, local headers that agree with it, and no two entries on the
// same bytes. Any thread; blocks on reads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "archive/archive.h"
#include "base/result.h"

namespace hearth::archive {

inline constexpr std::uint64_t kDirectoryBytes = 32ULL
                                                 << 20U;  // read at once; 50,000 entries have about 6 MB

enum class Method : std::uint16_t { kStored = 0, kDeflated = 8 };

// One record of the directory, as written: nothing about its name is checked yet.
struct ZipRecord {
  std::string name;  // raw bytes; a folder's ends with '/'
  std::uint16_t method = 0;
  std::uint16_t flags = 0;
  std::uint32_t crc = 0;
  std::uint64_t packed_size = 0;
  std::uint64_t size = 0;       // what it claims to hold
  std::uint16_t unix_mode = 0;  // 0 where the tool that made it keeps none
  bool is_hard_link = false;    // PKWARE's Unix field names another entry
  std::uint64_t header_offset = 0;
};

// The records in their order. kInvalidArgument for what is no zip, is cut off, has bytes after its
// end, is split, encrypted, compressed by another method than deflate, contradicts itself or has
// overlapping entries; kTooLarge past limits.entries or kDirectoryBytes; kIo.
base::Result<std::vector<ZipRecord>> read_directory(int zip_fd, const Limits& limits);

}  // namespace hearth::archive
