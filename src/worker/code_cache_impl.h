// The inside of the code cache: folders in code_cache.cc, what was compiled in code_cache_compiled.cc.
//
// Owned and called by the loop thread; jobs on the pool hold it weakly and share only `folders_` and
// `files_`.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "worker/code_cache.h"
#include "worker/code_folders.h"
#include "worker/compiled_files.h"

namespace hearth::worker {

// What starts used last is held, so that the next need not read it again.
class RecentCompiled {
 public:
  explicit RecentCompiled(std::uint64_t most_bytes) : most_bytes_(most_bytes) {}

  void use(const CompiledPtr& compiled);
  void drop(const CompiledPtr& compiled);

 private:
  using Uses = std::list<CompiledPtr>;

  const std::uint64_t most_bytes_;
  std::uint64_t bytes_ = 0;
  Uses uses_;  // least recently used first
  std::unordered_map<CompiledPtr, Uses::iterator> places_;
};

class CodeCache::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(CodeCacheOptions options, store::CodeStore& store, base::BlockingPool& pool, base::EventLoop& loop)
      : options_(std::move(options)),
        store_(store),
        pool_(pool),
        loop_(loop),
        recent_(options_.compiled_memory_bytes) {}

  base::Result<void> open();
  void fetch(const VersionKey& version, Done done);
  void keep(const model::VersionId& version, CompiledCode compiled);
  void discard(const model::VersionId& version);

 private:
  using Held = std::shared_ptr<const base::UniqueFd>;

  enum class State {
    kIdle,      // on disk as far as known, or about to be asked for
    kMaking,    // a job opens, unpacks or writes it
    kRemoving,  // a job removes it
  };

  struct Waiter {
    model::VersionId version;
    Done done;
  };

  // A folder, by its digest, or what was compiled, by its version.
  struct Entry {
    State state = State::kIdle;
    std::uint64_t bytes = 0;                     // its part of total_bytes_
    bool checked = false;                        // the folder is as it was unpacked
    std::weak_ptr<const base::UniqueFd> held;    // alive while anybody holds the folder
    std::weak_ptr<const CompiledCode> compiled;  // the same of what was compiled
    std::vector<Waiter> waiters;                 // for the folder
    std::list<std::string>::iterator use;        // in uses_
  };

  // What was compiled of a version is being read.
  struct Reading {
    std::vector<std::function<void(CompiledPtr)>> waiters;
    bool discarded = false;  // meanwhile
  };

  Entry& entry_of(const std::string& name);
  void forget(const std::string& name);
  void set_bytes(Entry& entry, std::uint64_t bytes);
  void start_fetch(const std::string& digest);
  void fetched(const std::string& digest, base::Result<UnpackedCode> result);
  void seal(const std::string& digest);
  void give(Waiter waiter, Held held);
  Entry* compiled_of(const model::VersionId& version);
  CompiledPtr nothing_of(const model::VersionId& version) const;
  base::Result<void> start_read(const model::VersionId& version);
  void was_read(const model::VersionId& version, base::Result<CompiledCode> result);
  void written(const model::VersionId& version, const base::Result<std::uint64_t>& bytes);
  void trim();
  bool start_removal(const std::string& name);
  void removed(const std::string& name, const base::Result<void>& result);

  // Runs `job` on the pool, and `done` with what it returned here, if this is still there. kExhausted.
  template <typename Job, typename Then>
  base::Result<void> run(Job job, Then then);

  const CodeCacheOptions options_;
  store::CodeStore& store_;
  base::BlockingPool& pool_;
  base::EventLoop& loop_;
  std::shared_ptr<CodeFolders> folders_;  // with the jobs on the pool
  std::shared_ptr<CompiledFiles> files_;  // the same
  std::unordered_map<std::string, Entry> entries_;
  std::list<std::string> uses_;  // names of entries, least recently used first
  std::unordered_map<model::VersionId, Reading> readings_;
  RecentCompiled recent_;
  std::unordered_map<model::VersionId, CompiledPtr> nothing_;
  std::uint64_t total_bytes_ = 0;
};

template <typename Job, typename Then>
base::Result<void> CodeCache::Impl::run(Job job, Then then) {
  return pool_.submit([self = weak_from_this(), job = std::move(job), then = std::move(then), &loop = loop_] {
    auto result = std::make_shared<decltype(job())>(job());
    loop.post([self, then, result] {
      if (const auto impl = self.lock()) {
        then(*impl, std::move(*result));
      }
    });
  });
}

}  // namespace hearth::worker
