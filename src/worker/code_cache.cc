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

// Owned and called by the loop thread; jobs on the pool hold it weakly and share only `folders_`.
class CodeCache::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(CodeCacheOptions options, store::CodeStore& store, base::BlockingPool& pool, base::EventLoop& loop)
      : options_(std::move(options)), store_(store), pool_(pool), loop_(loop) {}

  Result<void> open();
  void folder(const std::string& digest, Done done);

 private:
  enum class State {
    kIdle,      // on disk as far as known, or about to be asked for
    kFetching,  // a job opens or unpacks it
    kRemoving,  // a job removes it
  };

  struct Entry {
    State state = State::kIdle;
    std::uint64_t bytes = 0;                   // its part of total_bytes_
    std::weak_ptr<const base::UniqueFd> held;  // alive while anybody holds the folder
    std::vector<Done> waiters;
    std::list<std::string>::iterator use;  // in uses_
  };

  Entry& entry_of(const std::string& digest);
  void forget(const std::string& digest);
  void set_bytes(Entry& entry, std::uint64_t bytes);
  void start_fetch(const std::string& digest);
  void fetched(const std::string& digest, Result<UnpackedCode> result);
  void trim();
  bool start_removal(const std::string& digest);
  void removed(const std::string& digest, const Result<void>& result);

  const CodeCacheOptions options_;
  store::CodeStore& store_;
  base::BlockingPool& pool_;
  base::EventLoop& loop_;
  std::shared_ptr<CodeFolders> folders_;  // with the jobs on the pool
  std::unordered_map<std::string, Entry> entries_;
  std::list<std::string> uses_;  // digests, least recently used first
  std::uint64_t total_bytes_ = 0;
};

Result<void> CodeCache::Impl::open() {
  auto folders = CodeFolders::open(options_.folder);
  if (!folders) {
    return folders.error();
  }
  folders_ = std::move(*folders);
  const auto listed = folders_->list();
  if (!listed) {
    return listed.error();
  }
  for (const auto& code : *listed) {
    set_bytes(entry_of(code.digest), code.bytes);
  }
  trim();
  return {};
}

void CodeCache::Impl::folder(const std::string& digest, Done done) {
  assert(folders_ != nullptr);
  if (!is_digest(digest)) {
    loop_.post([done = std::move(done)] {
      done(Error{ErrorCode::kInvalidArgument, "code cache: not a digest"});
    });
    return;
  }
  Entry& entry = entry_of(digest);
  uses_.splice(uses_.end(), uses_, entry.use);
  if (auto held = entry.held.lock()) {
    loop_.post([held = std::move(held), done = std::move(done)] { done(CodeFolder(held)); });
    return;
  }
  entry.waiters.push_back(std::move(done));
  if (entry.state == State::kIdle) {
    start_fetch(digest);
  }
}

CodeCache::Impl::Entry& CodeCache::Impl::entry_of(const std::string& digest) {
  const auto [found, fresh] = entries_.try_emplace(digest);
  if (fresh) {
    found->second.use = uses_.insert(uses_.end(), digest);
  }
  return found->second;
}

void CodeCache::Impl::forget(const std::string& digest) {
  Entry& entry = entries_.at(digest);
  set_bytes(entry, 0);
  uses_.erase(entry.use);
  entries_.erase(digest);
}

void CodeCache::Impl::set_bytes(Entry& entry, std::uint64_t bytes) {
  total_bytes_ = total_bytes_ - entry.bytes + bytes;
  entry.bytes = bytes;
}

void CodeCache::Impl::start_fetch(const std::string& digest) {
  Entry& entry = entries_.at(digest);
  entry.state = State::kFetching;
  const FetchJob fetch_job{folders_, store_, options_.limits, digest, entry.bytes};
  auto job = [self = weak_from_this(), fetch_job, &loop = loop_] {
    auto result = std::make_shared<Result<UnpackedCode>>(fetch(fetch_job));
    loop.post([self, digest = fetch_job.digest, result] {
      if (const auto impl = self.lock()) {
        impl->fetched(digest, std::move(*result));
      }
    });
  };
  if (auto submitted = pool_.submit(std::move(job)); !submitted) {
    loop_.post([self = weak_from_this(), digest, error = submitted.error()] {
      if (const auto impl = self.lock()) {
        impl->fetched(digest, error);
      }
    });
  }
}

void CodeCache::Impl::fetched(const std::string& digest, Result<UnpackedCode> result) {
  Entry& entry = entries_.at(digest);
  entry.state = State::kIdle;
  const auto waiters = std::exchange(entry.waiters, {});
  if (!result) {
    if (entry.bytes == 0) {
      forget(digest);
    }
    for (const auto& done : waiters) {
      done(result.error());
    }
    return;
  }
  const auto held = std::make_shared<const base::UniqueFd>(std::move(result->folder));
  entry.held = held;
  set_bytes(entry, result->bytes);
  trim();
  for (const auto& done : waiters) {
    done(CodeFolder(held));
  }
}

void CodeCache::Impl::trim() {
  for (auto next = uses_.begin(); next != uses_.end() && total_bytes_ > options_.max_bytes;) {
    const std::string digest = *next++;
    const Entry& entry = entries_.at(digest);
    if (entry.state == State::kIdle && entry.held.expired() && !start_removal(digest)) {
      return;
    }
  }
}

// False when the pool is full; the next trim() tries again.
bool CodeCache::Impl::start_removal(const std::string& digest) {
  auto job = [self = weak_from_this(), folders = folders_, &loop = loop_, digest] {
    auto result = folders->remove(digest);
    loop.post([self, digest, result = std::move(result)] {
      if (const auto impl = self.lock()) {
        impl->removed(digest, result);
      }
    });
  };
  if (!pool_.submit(std::move(job))) {
    return false;
  }
  Entry& entry = entries_.at(digest);
  entry.state = State::kRemoving;
  set_bytes(entry, 0);
  return true;
}

void CodeCache::Impl::removed(const std::string& digest, const Result<void>& result) {
  if (!result) {
    spdlog::warn("{}", result.error().message);
  }
  Entry& entry = entries_.at(digest);
  entry.state = State::kIdle;
  if (entry.waiters.empty()) {
    forget(digest);
  } else {
    start_fetch(digest);
  }
}

CodeCache::CodeCache(CodeCacheOptions options, store::CodeStore& store, base::BlockingPool& pool,
                     base::EventLoop& loop)
    : impl_(std::make_shared<Impl>(std::move(options), store, pool, loop)) {}

CodeCache::~CodeCache() = default;

Result<void> CodeCache::open() { return impl_->open(); }

void CodeCache::folder(const std::string& digest, Done done) { impl_->folder(digest, std::move(done)); }

}  // namespace hearth::worker
