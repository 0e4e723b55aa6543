// What lies in a folder that is to be packed: everything that is not ignored, in the order of names.
//
// The first half of pack_folder(). Any thread; blocks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "archive/ignore_rules.h"
#include "base/result.h"

namespace hearth::archive {

enum class ScannedKind { kFile, kSymlink, kEmptyFolder };

struct ScannedEntry {
  ScannedKind kind = ScannedKind::kFile;
  std::string path;       // relative, '/'-separated
  std::string full_path;  // to open it by
  std::uint64_t size = 0;
  bool executable = false;
  std::string link_target;
};

// A folder is listed only when nothing in it is. The file `zip_path` itself is left out. An error
// names what no zip can hold: a socket, pipe or device, a symlink out of the folder, a name that is
// not UTF-8.
base::Result<std::vector<ScannedEntry>> scan_folder(const std::string& folder, const IgnoreRules& rules,
                                                    const std::string& zip_path);

}  // namespace hearth::archive
