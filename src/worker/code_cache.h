// Code of versions, unpacked once per digest into <cache folder>/<digest>/ and shared read-only by every
// instance of it; and what their runtimes have compiled, in <cache folder>/compiled/<version>, for instances
// of that version alone. Both count to one bound, and the least recently used go beyond it.
//
// Loop thread for fetch() and what follows; the work happens on the blocking pool. Concurrent first calls for
// one digest wait on one unpacking (single flight). A folder or file becomes visible only when complete (made
// beside, then renamed), so a crash leaves at most a temporary one, removed at start.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "archive/archive.h"
#include "base/blocking_pool.h"
#include "base/event_loop.h"
#include "base/result.h"
#include "base/units.h"
#include "store/code_store.h"
#include "worker/version_code.h"

namespace hearth::worker {

struct CodeCacheOptions {
  std::string folder;  // made when missing; emptied of temporary folders at start
  archive::Limits limits;
  std::uint64_t max_bytes =
      2ULL << 30U;  // --code-cache-bytes, on disk: what was used least recently goes beyond it
  std::uint64_t compiled_bytes =
      8 * base::kMiB;  // --compile-cache-bytes, of one version; 0: none is kept or given
  std::uint64_t compiled_memory_bytes =
      16 * base::kMiB;  // --compile-cache-memory: what starts used last needs no reading
};

class CodeCache final : public CodeSource {
 public:
  // `store` and `loop` outlive the pool, whose jobs use them.
  CodeCache(CodeCacheOptions options, store::CodeStore& store, base::BlockingPool& pool,
            base::EventLoop& loop);
  CodeCache(const CodeCache&) = delete;
  CodeCache& operator=(const CodeCache&) = delete;
  // A call that is still waiting hears nothing more.
  ~CodeCache() override;

  // Makes the folder, or takes over what an earlier run left complete. Blocks; call once, before the
  // loop runs and before fetch().
  base::Result<void> open();

  void fetch(const VersionKey& version, Done done) override;
  void keep(const model::VersionId& version, CompiledCode compiled) override;
  void discard(const model::VersionId& version) override;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // jobs on the pool may outlive the cache
};

}  // namespace hearth::worker
