// Keeps two backends of one tag apart: a launcher whose server was killed still removes its
// sandboxes, cgroups and mount point while the next server already starts. One thread.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hearth::sandbox {

// How long a predecessor may take to clean up behind itself.
inline constexpr int kPredecessorTimeoutMs = 10'000;

class TagLock {
 public:
  // Takes <run_folder>/<tag>.lock, waiting for who holds it. kBusy past the time-out, kIo.
  static base::Result<TagLock> take(const std::string& run_folder, const std::string& tag,
                                    int timeout_ms = kPredecessorTimeoutMs);

  TagLock() = default;
  TagLock(TagLock&& other) noexcept = default;
  TagLock& operator=(TagLock&& other) noexcept = default;
  // Removes the file, then lets go.
  ~TagLock();

 private:
  TagLock(base::UniqueFd file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}

  base::UniqueFd file_;
  std::string path_;
};

}  // namespace hearth::sandbox
