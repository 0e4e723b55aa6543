// What runtimes have compiled, in the code cache: it is read once for all who wait for it, and there is one
// copy of it while anybody holds that.
#include <utility>

#include "base/log.h"
#include "worker/code_cache_impl.h"

namespace hearth::worker {
namespace {

using base::Result;

// Versions that are known to have nothing worth it. It costs little to find that out again.
constexpr std::size_t kMostWithNothing = 10'000;

}  // namespace

void RecentCompiled::use(const CompiledPtr& compiled) {
  if (const auto found = places_.find(compiled); found != places_.end()) {
    uses_.splice(uses_.end(), uses_, found->second);
    return;
  }
  if (compiled->bytes.size() > most_bytes_) {
    return;
  }
  places_[compiled] = uses_.insert(uses_.end(), compiled);
  bytes_ += compiled->bytes.size();
  while (bytes_ > most_bytes_) {
    drop(CompiledPtr(uses_.front()));
  }
}

void RecentCompiled::drop(const CompiledPtr& compiled) {
  if (const auto found = places_.find(compiled); found != places_.end()) {
    bytes_ -= compiled->bytes.size();
    uses_.erase(found->second);
    places_.erase(found);
  }
}

// The folder is there; what was compiled may have to be read.
void CodeCache::Impl::give(Waiter waiter, Held held) {
  Entry* const entry = compiled_of(waiter.version);
  CompiledPtr compiled = entry != nullptr ? entry->compiled.lock() : nothing_of(waiter.version);
  if (entry != nullptr && compiled != nullptr) {
    recent_.use(compiled);
  }
  auto tell = [done = std::move(waiter.done), held = std::move(held)](CompiledPtr found) {
    done(VersionCode{CodeFolder(held), std::move(found)});
  };
  if (entry != nullptr && compiled == nullptr && start_read(waiter.version)) {
    readings_[waiter.version].waiters.push_back(std::move(tell));
    return;
  }
  loop_.post([tell = std::move(tell), compiled = std::move(compiled)] { tell(compiled); });
}

// In use now; null when there is nothing to be had.
CodeCache::Impl::Entry* CodeCache::Impl::compiled_of(const model::VersionId& version) {
  const auto found = entries_.find(version);
  if (options_.compiled_bytes == 0 || !is_version_id(version) || found == entries_.end() ||
      found->second.state != State::kIdle) {
    return nullptr;
  }
  uses_.splice(uses_.end(), uses_, found->second.use);
  return &found->second;
}

CompiledPtr CodeCache::Impl::nothing_of(const model::VersionId& version) const {
  const auto found = nothing_.find(version);
  return found != nothing_.end() ? found->second : nullptr;
}

// Unless it is being read. kExhausted.
Result<void> CodeCache::Impl::start_read(const model::VersionId& version) {
  if (readings_.contains(version)) {
    return {};
  }
  auto job = [version, files = files_] { return files->read(version); };
  auto then = [version](Impl& impl, Result<CompiledCode> result) {
    impl.was_read(version, std::move(result));
  };
  return run(std::move(job), std::move(then));
}

// What cannot be read is as if it had never been there.
void CodeCache::Impl::was_read(const model::VersionId& version, Result<CompiledCode> result) {
  const auto self = shared_from_this();  // an answer may end the cache
  const Reading reading = std::move(readings_.extract(version).mapped());
  CompiledPtr compiled;
  if (reading.discarded) {
    // It was of no use, or what is there now is another.
  } else if (result && result->bytes.size() <= options_.compiled_bytes) {
    compiled = std::make_shared<const CompiledCode>(std::move(*result));
    if (Entry* const entry = compiled_of(version); entry != nullptr) {
      entry->compiled = compiled;
      recent_.use(compiled);
    }
  } else {
    if (!result) {
      spdlog::warn("{}", result.error().message);
    }
    discard(version);
  }
  for (const auto& tell : reading.waiters) {
    tell(compiled);
  }
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
  if (const auto reading = readings_.find(version); reading != readings_.end()) {
    reading->second.discarded = true;
  }
  const auto found = is_version_id(version) ? entries_.find(version) : entries_.end();
  if (found != entries_.end() && found->second.state == State::kIdle) {
    start_removal(version);
  }
}

}  // namespace hearth::worker
