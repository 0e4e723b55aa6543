#include "worker/code_cache.h"

#include <fcntl.h>

#include <cassert>
#include <cerrno>
#include <utility>

#include "base/log.h"
#include "worker/code_cache_impl.h"

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

// What the loop hands to a job.
struct FetchJob {
  std::shared_ptr<CodeFolders> folders;
  store::CodeStore& store;
  archive::Limits limits;
  std::string digest;
  std::uint64_t known_bytes = 0;  // 0 when it was not on disk, as far as known
  bool checked = false;           // since this process began
};

// Of what an earlier process has left: whatever the disk has made of it meanwhile is not run.
Result<void> remove_if_damaged(const FetchJob& job) {
  const auto intact = job.folders->intact(job.digest);
  if (intact && *intact) {
    return {};
  }
  spdlog::warn("code cache: the folder of {} is not as it was unpacked{}; it is unpacked again", job.digest,
               intact ? "" : " (" + intact.error().message + ")");
  return job.folders->remove(job.digest);
}

// On the pool.
Result<UnpackedCode> fetch(const FetchJob& job) {
  auto found = job.folders->find(job.digest);
  if (found && !job.checked) {
    if (auto removed = remove_if_damaged(job); !removed) {
      return removed.error();
    }
    found = job.folders->find(job.digest);
  }
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

void CodeCache::Impl::fetch(const VersionKey& version, Done done) {
  assert(folders_ != nullptr);
  const std::string& digest = version.code_digest;
  if (!is_digest(digest)) {
    loop_.post([done = std::move(done)] {
      done(Error{ErrorCode::kInvalidArgument, "code cache: not a digest"});
    });
    return;
  }
  Waiter waiter{version.id, std::move(done)};
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
  recent_.drop(entry.compiled.lock());
  uses_.erase(entry.use);
  entries_.erase(name);
}

void CodeCache::Impl::set_bytes(Entry& entry, std::uint64_t bytes) {
  total_bytes_ = total_bytes_ - entry.bytes + bytes;
  entry.bytes = bytes;
}

void CodeCache::Impl::start_fetch(const std::string& digest) {
  Entry& entry = entries_.at(digest);
  entry.state = State::kMaking;
  const FetchJob fetch_job{folders_, store_, options_.limits, digest, entry.bytes, entry.checked};
  auto job = [fetch_job] { return worker::fetch(fetch_job); };
  auto then = [digest](Impl& impl, Result<UnpackedCode>&& result) {
    impl.fetched(digest, std::move(result));
  };
  if (auto submitted = run(std::move(job), std::move(then)); !submitted) {
    loop_.post([self = weak_from_this(), digest, error = submitted.error()] {
      if (const auto impl = self.lock()) {
        impl->fetched(digest, error);
      }
    });
  }
}

void CodeCache::Impl::fetched(const std::string& digest, Result<UnpackedCode> result) {
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
  entry.checked = true;
  if (result->fresh) {
    seal(digest);
  }
  set_bytes(entry, result->bytes);
  trim();
  for (auto& waiter : waiters) {
    give(std::move(waiter), held);
  }
}

// Nobody waits for it: a folder without a right seal, as when it was removed meanwhile, is unpacked again by
// the next process.
void CodeCache::Impl::seal(const std::string& digest) {
  auto job = [folders = folders_, digest] { return folders->seal(digest); };
  auto then = [](Impl&, const Result<void>& result) {
    if (!result) {
      spdlog::warn("{}", result.error().message);
    }
  };
  if (const auto submitted = run(std::move(job), std::move(then)); !submitted) {
    spdlog::warn("code cache: {} is not sealed: {}", digest, submitted.error().message);
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
