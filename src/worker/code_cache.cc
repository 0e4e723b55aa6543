#include "worker/code_cache.h"

#include <fcntl.h>

#include <cassert>
#include <cerrno>
#include <list>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/log.h"
#include "worker/code_folders.h"
#include "worker/compiled_files.h"

namespace hearth::worker {

using base::Error;
using base::ErrorCode;
using base::Result;

Result<base::UniqueFd> CodeFolder::duplicate() const {
  base::UniqueFd copy(::fcntl(fd(), F_DUPFD_CLOEXEC, 0));
  if (!copy.valid()) {
    return base::io_error("cannot duplicate a descriptor", errno);
  }
  return copy;
}

namespace {

constexpr const char* kCompiledFolder = "compiled";
// Versions that are known to have nothing worth it. It costs little to find that out again.
constexpr std::size_t kMostWithNothing = 10'000;

// What the loop hands to a job.
struct FetchJob {
  std::shared_ptr<CodeFolders> folders;
  store::CodeStore& store;
  archive::Limits limits;
  std::string digest;
  std::uint64_t known_bytes = 0;  // 0 when it was not on disk, as far as known
};

// On the pool. What is on disk already is taken as it is: it was checked when it was unpacked.
Result<UnpackedCode> fetch(const FetchJob& job) {
  auto found = job.folders->find(job.digest);
  if (found) {
    const Result<std::uint64_t> bytes =
        job.known_bytes > 0 ? job.known_bytes : job.folders->measure(job.digest);
    return bytes ? Result<UnpackedCode>(UnpackedCode{std::move(*found), *bytes}) : bytes.error();
  }
  if (found.error().code != ErrorCode::kNotFound) {
    return found.error();
  }
  const auto zip = job.store.open(job.digest);
  if (!zip) {
    return zip.error();
  }
  return job.folders->unpack(job.digest, zip->get(), job.limits);
}

}  // namespace

// Owned and called by the loop thread; jobs on the pool hold it weakly and share only `folders_` and
// `files_`.
class CodeCache::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(CodeCacheOptions options, store::CodeStore& store, base::BlockingPool& pool, base::EventLoop& loop)
      : options_(std::move(options)), store_(store), pool_(pool), loop_(loop) {}

  Result<void> open();
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

  // Who waits for a folder.
  struct Waiter {
    model::VersionId compiled;  // whose compiled code is to be read; empty: none
    CompiledPtr known;          // what is known without
    Done done;
  };

  // A folder, by its digest, or what was compiled, by its version.
  struct Entry {
    State state = State::kIdle;
    std::uint64_t bytes = 0;                   // its part of total_bytes_
    std::weak_ptr<const base::UniqueFd> held;  // alive while anybody holds the folder
    std::vector<Waiter> waiters;
    std::list<std::string>::iterator use;  // in uses_
  };

  Entry& entry_of(const std::string& name);
  void forget(const std::string& name);
  void set_bytes(Entry& entry, std::uint64_t bytes);
  model::VersionId compiled_of(const model::VersionId& version);
  void start_fetch(const std::string& digest);
  void fetched(const std::string& digest, Result<UnpackedCode> result, const model::VersionId& version,
               const CompiledPtr& compiled);
  void give(Waiter waiter, Held held);
  CompiledPtr check_read(const model::VersionId& version, Result<CompiledCode> result);
  void written(const model::VersionId& version, const Result<std::uint64_t>& bytes);
  void trim();
  bool start_removal(const std::string& name);
  void removed(const std::string& name, const Result<void>& result);

  // Runs `job` on the pool, and `done` with what it returned here, if this is still there. kExhausted.
  template <typename Job, typename Then>
  Result<void> run(Job job, Then then);

  const CodeCacheOptions options_;
  store::CodeStore& store_;
  base::BlockingPool& pool_;
  base::EventLoop& loop_;
  std::shared_ptr<CodeFolders> folders_;  // with the jobs on the pool
  std::shared_ptr<CompiledFiles> files_;  // the same
  std::unordered_map<std::string, Entry> entries_;
  std::list<std::string> uses_;  // names of entries, least recently used first
  std::unordered_map<model::VersionId, CompiledPtr> nothing_;
  std::uint64_t total_bytes_ = 0;
};

Result<void> CodeCache::Impl::open() {
  auto folders = CodeFolders::open(options_.folder);
  if (!folders) {
    return folders.error();
  }
  folders_ = std::move(*folders);
  auto files = CompiledFiles::open(options_.folder + "/" + kCompiledFolder);
  if (!files) {
    return files.error();
  }
  files_ = std::move(*files);
  const auto unpacked = folders_->list();
  const auto compiled = files_->list();
  if (!unpacked || !compiled) {
    return !unpacked ? unpacked.error() : compiled.error();
  }
  for (const auto& code : *unpacked) {
    set_bytes(entry_of(code.digest), code.bytes);
  }
  for (const auto& code : *compiled) {
    set_bytes(entry_of(code.version), code.bytes);
  }
  trim();
  return {};
}

template <typename Job, typename Then>
Result<void> CodeCache::Impl::run(Job job, Then then) {
  return pool_.submit([self = weak_from_this(), job = std::move(job), then = std::move(then), &loop = loop_] {
    auto result = std::make_shared<decltype(job())>(job());
    loop.post([self, then, result] {
      if (const auto impl = self.lock()) {
        then(*impl, std::move(*result));
      }
    });
  });
}

void CodeCache::Impl::fetch(const VersionKey& version, Done done) {
  assert(folders_ != nullptr);
  const std::string& digest = version.code_digest;
  if (!is_digest(digest)) {
    loop_.post([done = std::move(done)] {
      done(Error{ErrorCode::kInvalidArgument, "code cache: not a digest"});
    });
    return;
  }
  const auto nothing = nothing_.find(version.id);
  Waiter waiter{compiled_of(version.id), nothing != nothing_.end() ? nothing->second : nullptr,
                std::move(done)};
  Entry& entry = entry_of(digest);
  uses_.splice(uses_.end(), uses_, entry.use);
  if (auto held = entry.held.lock()) {
    give(std::move(waiter), std::move(held));
    return;
  }
  entry.waiters.push_back(std::move(waiter));
  if (entry.state == State::kIdle) {
    start_fetch(digest);
  }
}

// The version itself, in use now, when there is something to be had; otherwise nothing.
model::VersionId CodeCache::Impl::compiled_of(const model::VersionId& version) {
  const auto found = entries_.find(version);
  if (options_.compiled_bytes == 0 || !is_version_id(version) || found == entries_.end() ||
      found->second.state != State::kIdle) {
    return "";
  }
  uses_.splice(uses_.end(), uses_, found->second.use);
  return version;
}

CodeCache::Impl::Entry& CodeCache::Impl::entry_of(const std::string& name) {
  const auto [found, fresh] = entries_.try_emplace(name);
  if (fresh) {
    found->second.use = uses_.insert(uses_.end(), name);
  }
  return found->second;
}

void CodeCache::Impl::forget(const std::string& name) {
  Entry& entry = entries_.at(name);
  set_bytes(entry, 0);
  uses_.erase(entry.use);
  entries_.erase(name);
}

void CodeCache::Impl::set_bytes(Entry& entry, std::uint64_t bytes) {
  total_bytes_ = total_bytes_ - entry.bytes + bytes;
  entry.bytes = bytes;
}

// What the first who waits needs is read by the same job.
void CodeCache::Impl::start_fetch(const std::string& digest) {
  Entry& entry = entries_.at(digest);
  entry.state = State::kMaking;
  const FetchJob fetch_job{folders_, store_, options_.limits, digest, entry.bytes};
  const model::VersionId version = entry.waiters.front().compiled;
  using Results = std::pair<Result<UnpackedCode>, Result<CompiledCode>>;
  auto job = [fetch_job, version, files = files_]() -> Results {
    auto folder = worker::fetch(fetch_job);
    return {std::move(folder), version.empty() ? Result<CompiledCode>(CompiledCode()) : files->read(version)};
  };
  auto then = [digest, version](Impl& impl, Results results) {
    const auto compiled = version.empty() ? nullptr : impl.check_read(version, std::move(results.second));
    impl.fetched(digest, std::move(results.first), version, compiled);
  };
  if (auto submitted = run(std::move(job), std::move(then)); !submitted) {
    loop_.post([self = weak_from_this(), digest, error = submitted.error()] {
      if (const auto impl = self.lock()) {
        impl->fetched(digest, error, "", nullptr);
      }
    });
  }
}

void CodeCache::Impl::fetched(const std::string& digest, Result<UnpackedCode> result,
                              const model::VersionId& version, const CompiledPtr& compiled) {
  const auto self = shared_from_this();  // an answer may end the cache
  Entry& entry = entries_.at(digest);
  entry.state = State::kIdle;
  auto waiters = std::exchange(entry.waiters, {});
  if (!result) {
    if (entry.bytes == 0) {
      forget(digest);
    }
    for (const auto& waiter : waiters) {
      waiter.done(result.error());
    }
    return;
  }
  const auto held = std::make_shared<const base::UniqueFd>(std::move(result->folder));
  entry.held = held;
  set_bytes(entry, result->bytes);
  trim();
  for (auto& waiter : waiters) {
    if (waiter.compiled.empty() || waiter.compiled == version) {
      waiter.done(VersionCode{CodeFolder(held), waiter.compiled.empty() ? waiter.known : compiled});
    } else {
      give(std::move(waiter), held);
    }
  }
}

// The folder is there, what was compiled may have to be read.
void CodeCache::Impl::give(Waiter waiter, Held held) {
  if (!waiter.compiled.empty()) {
    auto job = [version = waiter.compiled, files = files_] { return files->read(version); };
    auto then = [waiter, held](Impl& impl, Result<CompiledCode> result) {
      waiter.done(VersionCode{CodeFolder(held), impl.check_read(waiter.compiled, std::move(result))});
    };
    if (run(std::move(job), std::move(then))) {
      return;
    }
  }
  loop_.post([waiter = std::move(waiter), held = std::move(held)] {
    waiter.done(VersionCode{CodeFolder(held), waiter.known});
  });
}

// What cannot be read is as if it had never been there.
CompiledPtr CodeCache::Impl::check_read(const model::VersionId& version, Result<CompiledCode> result) {
  if (result && result->bytes.size() <= options_.compiled_bytes) {
    return std::make_shared<const CompiledCode>(std::move(*result));
  }
  if (!result) {
    spdlog::warn("{}", result.error().message);
  }
  discard(version);
  return nullptr;
}

void CodeCache::Impl::keep(const model::VersionId& version, CompiledCode compiled) {
  if (!is_version_id(version) || compiled.bytes.size() > options_.compiled_bytes ||
      entries_.contains(version)) {
    return;
  }
  if (compiled.bytes.empty()) {
    if (nothing_.size() == kMostWithNothing) {
      nothing_.clear();
    }
    nothing_[version] = std::make_shared<const CompiledCode>(std::move(compiled));
    return;
  }
  auto job = [version, compiled = std::make_shared<const CompiledCode>(std::move(compiled)), files = files_] {
    return files->write(version, *compiled);
  };
  auto then = [version](Impl& impl, const Result<std::uint64_t>& bytes) { impl.written(version, bytes); };
  if (run(std::move(job), std::move(then))) {
    entry_of(version).state = State::kMaking;
  }
}

void CodeCache::Impl::written(const model::VersionId& version, const Result<std::uint64_t>& bytes) {
  if (!bytes) {
    spdlog::warn("{}", bytes.error().message);
    forget(version);
    return;
  }
  Entry& entry = entries_.at(version);
  entry.state = State::kIdle;
  set_bytes(entry, *bytes);
  trim();
}

void CodeCache::Impl::discard(const model::VersionId& version) {
  nothing_.erase(version);
  const auto found = is_version_id(version) ? entries_.find(version) : entries_.end();
  if (found != entries_.end() && found->second.state == State::kIdle) {
    start_removal(version);
  }
}

void CodeCache::Impl::trim() {
  for (auto next = uses_.begin(); next != uses_.end() && total_bytes_ > options_.max_bytes;) {
    const std::string name = *next++;
    const Entry& entry = entries_.at(name);
    if (entry.state == State::kIdle && entry.held.expired() && !start_removal(name)) {
      return;
    }
  }
}

// False when the pool is full; the next trim() tries again.
bool CodeCache::Impl::start_removal(const std::string& name) {
  auto job = [folders = folders_, files = files_, name] {
    return is_digest(name) ? folders->remove(name) : files->remove(name);
  };
  auto then = [name](Impl& impl, const Result<void>& result) { impl.removed(name, result); };
  if (!run(std::move(job), std::move(then))) {
    return false;
  }
  Entry& entry = entries_.at(name);
  entry.state = State::kRemoving;
  set_bytes(entry, 0);
  return true;
}

void CodeCache::Impl::removed(const std::string& name, const Result<void>& result) {
  if (!result) {
    spdlog::warn("{}", result.error().message);
  }
  Entry& entry = entries_.at(name);
  entry.state = State::kIdle;
  if (entry.waiters.empty()) {
    forget(name);
  } else {
    start_fetch(name);
  }
}

CodeCache::CodeCache(CodeCacheOptions options, store::CodeStore& store, base::BlockingPool& pool,
                     base::EventLoop& loop)
    : impl_(std::make_shared<Impl>(std::move(options), store, pool, loop)) {}

CodeCache::~CodeCache() = default;

Result<void> CodeCache::open() { return impl_->open(); }

void CodeCache::fetch(const VersionKey& version, Done done) { impl_->fetch(version, std::move(done)); }

void CodeCache::keep(const model::VersionId& version, CompiledCode compiled) {
  impl_->keep(version, std::move(compiled));
}

void CodeCache::discard(const model::VersionId& version) { impl_->discard(version); }

}  // namespace hearth::worker
