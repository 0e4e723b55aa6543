// The folders, files and symlinks that a zip's records would become, checked as a whole.
//
// Between the directory (zip_directory.h) and the reading of content: after it, no two entries meet
// in one place, nothing lies below a file or a symlink, and the number and size of everything is
// within the limits as far as the zip tells. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "archive/archive.h"
#include "archive/zip_directory.h"
#include "base/result.h"

namespace hearth::archive {

struct TreeFile {
  std::uint64_t index = 0;  // of its record
  std::string path;
  bool executable = false;
};

struct TreeLink {
  std::uint64_t index = 0;
  std::string path;
};

struct EntryTree {
  std::vector<std::string> folders;  // each after its parent; those that the zip only implies too
  std::vector<TreeFile> files;
  std::vector<TreeLink> links;
  std::uint64_t unzipped_bytes = 0;  // as the records state it
};

// kInvalidArgument, kTooLarge; the message names the entry.
base::Result<EntryTree> build_tree(const std::vector<ZipRecord>& records, const Limits& limits);

}  // namespace hearth::archive
