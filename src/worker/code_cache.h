// Code of versions, unpacked once per digest into <cache folder>/<digest>/ and shared read-only by
// every instance of it.
//
// Loop thread for folder(); the work happens on the blocking pool. Concurrent first calls for one
// digest wait on one unpacking (single flight). A folder becomes visible only when complete
// (unpacked beside, then renamed), so a crash leaves at most a temporary folder, removed at start.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "archive/archive.h"
#include "base/blocking_pool.h"
#include "base/event_loop.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "store/code_store.h"

namespace hearth::worker {

struct CodeCacheOptions {
  std::string folder;  // made when missing; emptied of temporary folders at start
  archive::Limits limits;
  std::uint64_t max_bytes =
      2ULL << 30U;  // --code-cache-bytes, on disk: least recently used folders go beyond it
};

// The hold on one unpacked folder: the cache removes none that is held. An instance keeps its own
// until nothing of it is left, because files that are removed vanish from under a mount. Any thread.
class [[nodiscard]] CodeFolder {
 public:
  explicit CodeFolder(std::shared_ptr<const base::UniqueFd> folder) : folder_(std::move(folder)) {}
  CodeFolder(CodeFolder&&) = default;
  CodeFolder& operator=(CodeFolder&&) = default;
  CodeFolder(const CodeFolder&) = delete;
  CodeFolder& operator=(const CodeFolder&) = delete;
  ~CodeFolder() = default;

  int fd() const { return folder_->get(); }  // O_PATH
  // For who consumes a descriptor of its own. kIo when the process has none left.
  base::Result<base::UniqueFd> duplicate() const;

 private:
  std::shared_ptr<const base::UniqueFd> folder_;  // all holders of one folder share its descriptor
};

class CodeCache {
 public:
  using Done = std::function<void(base::Result<CodeFolder>)>;

  // `store` and `loop` outlive the pool, whose jobs use them.
  CodeCache(CodeCacheOptions options, store::CodeStore& store, base::BlockingPool& pool,
            base::EventLoop& loop);
  CodeCache(const CodeCache&) = delete;
  CodeCache& operator=(const CodeCache&) = delete;
  // A call that is still waiting hears nothing more.
  ~CodeCache();

  // Makes the folder, or takes over what an earlier run left complete. Blocks; call once, before the
  // loop runs and before folder().
  base::Result<void> open();

  // The folder of this code. `done` runs on the loop, never inside the call. kNotFound, kCorrupt,
  // kInvalidArgument, kTooLarge, kIo, kExhausted (the pool is full). A failure is not remembered:
  // the next call tries anew.
  void folder(const std::string& digest, Done done);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // jobs on the pool may outlive the cache
};

}  // namespace hearth::worker
