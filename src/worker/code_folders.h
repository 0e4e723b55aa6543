// The code cache's folder on disk: <digest>/ for each unpacked zip, and beside them only what is
// being made or removed, and sums/<digest>: what is in such a folder, to be told from what the disk has made
// of it.
//
// Below CodeCache, which sees to it that no two operations on one digest meet. Blocking pool; calls
// for different digests may run at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "archive/archive.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace hearth::worker {

// 64 lower-case hex digits, the only names that code is looked up by.
bool is_digest(std::string_view text);

struct UnpackedCode {
  base::UniqueFd folder;    // O_PATH
  std::uint64_t bytes = 0;  // on disk, every file rounded up to whole blocks
  bool fresh = false;       // unpacked now
};

struct ListedCode {
  std::string digest;
  std::uint64_t bytes = 0;
};

class CodeFolders {
 public:
  // Makes the folder (0700) when it is missing and removes what was left half made. After a restart
  // of the machine everything goes: files are not synced, so a power cut may have emptied some.
  static base::Result<std::unique_ptr<CodeFolders>> open(const std::string& folder);

  // Oldest first.
  base::Result<std::vector<ListedCode>> list() const;

  // The folder as O_PATH; kNotFound when it is not unpacked.
  base::Result<base::UniqueFd> find(const std::string& digest) const;

  // What it takes on disk. Looks at every file.
  base::Result<std::uint64_t> measure(const std::string& digest) const;

  // Leaves nothing behind when it fails.
  base::Result<UnpackedCode> unpack(const std::string& digest, int zip_fd, const archive::Limits& limits);

  // Writes down what is in it, for intact().
  base::Result<void> seal(const std::string& digest);

  // Whether it was sealed, and is as it was then. Reads every file.
  base::Result<bool> intact(const std::string& digest) const;

  // Gone from sight at once, then from the disk.
  base::Result<void> remove(const std::string& digest);

 private:
  explicit CodeFolders(std::filesystem::path folder) : folder_(std::move(folder)) {}

  base::Result<void> make();
  base::Result<void> clean();
  std::filesystem::path temporary_path();
  std::filesystem::path sum_path(const std::string& digest) const;

  const std::filesystem::path folder_;
  std::atomic<std::uint64_t> last_temporary_ = 0;
};

}  // namespace hearth::worker
