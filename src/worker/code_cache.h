// Code of versions, unpacked once per digest into <cache folder>/<digest>/ and shared read-only by
// every instance of it.
//
// Loop thread for folder() and trim(); the work happens on the blocking pool. Concurrent first calls
// for one digest wait on one unpacking (single flight). A folder becomes visible only when complete
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
  std::uint64_t max_bytes = 2ULL << 30U;  // --code-cache-bytes: least recently used folders go beyond it
};

class CodeCache {
 public:
  using Done = std::function<void(base::Result<base::UniqueFd>)>;

  CodeCache(CodeCacheOptions options, store::CodeStore& store, base::BlockingPool& pool,
            base::EventLoop& loop);
  CodeCache(const CodeCache&) = delete;
  CodeCache& operator=(const CodeCache&) = delete;
  ~CodeCache();

  // Makes or empties the folder. Blocks; call once, before the loop runs.
  base::Result<void> open();

  // The folder of this code, as an O_PATH descriptor. `done` runs on the loop, never inside the call.
  // kNotFound, kCorrupt, kInvalidArgument, kTooLarge, kIo, kExhausted (the pool is full). A failure
  // is not remembered: the next call tries anew.
  void folder(const std::string& digest, Done done);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // jobs on the pool may outlive the cache
};

}  // namespace hearth::worker
