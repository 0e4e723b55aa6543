// Zips: checked before they are kept, unpacked without following anything, and made from a folder.
//
// inspect() is the gateway's check on upload, unpack() the worker's on first use (it checks again),
// pack_folder() the command line's. Any thread; all of them block. Reading moves the file offset that
// `zip_fd` shares with its duplicates, so two readings at once need two descriptors opened apart.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hearth::archive {

struct Limits {
  std::uint64_t unzipped_bytes = 250ULL << 20U;
  std::uint32_t entries = 50'000;
  std::uint32_t path_bytes = 1'024;
  std::uint32_t path_depth = 64;

  bool operator==(const Limits&) const = default;
};

struct Contents {
  std::uint64_t unzipped_bytes = 0;
  std::uint32_t files = 0;
  std::vector<std::string> paths;  // regular files, relative, '/'-separated

  bool operator==(const Contents&) const = default;
};

// Reads the whole archive: structure, names, and every entry's bytes against its CRC and the limits.
// kInvalidArgument for what is no zip, holds no file, is cut off, has bytes after its end, or has an
// entry that is absolute, climbs out ("../"), repeats, overlaps another, is encrypted, setuid, of no
// UTF-8 name, or is neither a regular file, a folder nor a symlink that stays inside; kTooLarge past
// a limit (`entries` counts implied folders too). The message names the entry.
base::Result<Contents> inspect(int zip_fd, const Limits& limits);

// Unpacks into the empty folder open as `folder_fd`: every step relative to descriptors, never
// through a symlink. Folders 0755, files 0644 or 0755 (the archive's executable bit), never setuid.
// On an error the folder's content is undefined; the caller removes it.
base::Result<Contents> unpack(int zip_fd, int folder_fd, const Limits& limits);

struct PackOptions {
  std::string ignore_file = ".hearthignore";  // gitignore syntax, in the folder's root
  std::function<void(std::uint64_t files, std::uint64_t bytes)> progress;  // may be empty
};

// Zips a folder into the file `zip_path`, the same bytes for the same content (sorted, fixed times,
// modes 0644 or 0755). Left out are `.git`, the ignore file (both unless it says otherwise by '!'),
// what it names, and the zip itself. kInvalidArgument for what no zip holds; the message names it.
base::Result<Contents> pack_folder(const std::string& folder, const std::string& zip_path,
                                   const PackOptions& options);

}  // namespace hearth::archive
