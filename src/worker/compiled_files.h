// What runtimes have compiled, on disk: a file for each version, beside what is being made or removed.
//
// Below CodeCache, which sees to it that no two operations on one version meet, but for reads. Blocking pool;
// calls for different versions may run at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/function.h"
#include "worker/version_code.h"

namespace hearth::worker {

// Whether this can be the name of a version's file: ids are, digests are not.
bool is_version_id(std::string_view text);

struct ListedCompiled {
  model::VersionId version;
  std::uint64_t bytes = 0;  // on disk, rounded up to whole blocks
};

class CompiledFiles {
 public:
  // Makes the folder (0700) when it is missing and removes what was left half made.
  static base::Result<std::unique_ptr<CompiledFiles>> open(const std::string& folder);

  // Oldest first.
  base::Result<std::vector<ListedCompiled>> list() const;

  // kNotFound; kCorrupt when these are not the bytes that were written, as after a power cut: files are not
  // synced.
  base::Result<CompiledCode> read(const model::VersionId& version) const;

  // What it takes on disk. Leaves nothing behind when it fails.
  base::Result<std::uint64_t> write(const model::VersionId& version, const CompiledCode& code);

  base::Result<void> remove(const model::VersionId& version);

 private:
  explicit CompiledFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  const std::filesystem::path folder_;
  std::atomic<std::uint64_t> last_temporary_ = 0;
};

}  // namespace hearth::worker
