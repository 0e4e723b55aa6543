#include "gateway/past_versions.h"

namespace hearth::gateway {

void PastVersions::find(const model::FunctionId& function, std::uint32_t number, Found done) {
  const Key key{function, number};
  const auto [found, fresh] = entries_.try_emplace(key);
  Entry& entry = found->second;
  if (entry.version) {
    uses_.splice(uses_.end(), uses_, entry.use);
    done(entry.version);
    return;
  }
  entry.waiting.push_back(std::move(done));
  if (fresh) {
    read_(function, number,
          [this, key](const ApiResult<model::VersionPtr>& result) { was_read(key, result); });
  }
}

void PastVersions::keep(model::VersionPtr version) {
  const Key key{version->function_id, version->number};
  const auto [found, fresh] = entries_.try_emplace(key);
  if (fresh) {
    found->second.version = std::move(version);
    found->second.use = uses_.insert(uses_.end(), key);
    make_room();
  }
}

void PastVersions::was_read(const Key& key, const ApiResult<model::VersionPtr>& result) {
  const auto found = entries_.find(key);
  Entry& entry = found->second;
  const auto waiting = std::exchange(entry.waiting, {});
  const auto* const version = std::get_if<model::VersionPtr>(&result);
  if (version == nullptr || entry.forgotten) {
    entries_.erase(found);
  } else {
    entry.version = *version;
    entry.use = uses_.insert(uses_.end(), key);
    make_room();
  }
  for (const Found& done : waiting) {
    done(result);
  }
}

void PastVersions::make_room() {
  while (uses_.size() > most_) {
    const auto oldest = entries_.find(uses_.front());
    const model::VersionId id = oldest->second.version->id;
    uses_.pop_front();
    entries_.erase(oldest);
    dropped_(id, /*deleted=*/false);
  }
}

void PastVersions::forget(const model::FunctionId& function) {
  for (auto each = entries_.lower_bound({function, 0});
       each != entries_.end() && each->first.first == function;) {
    const auto next = std::next(each);
    if (each->second.version) {
      const model::VersionId id = each->second.version->id;
      uses_.erase(each->second.use);
      entries_.erase(each);
      dropped_(id, /*deleted=*/true);
    } else {
      each->second.forgotten = true;
    }
    each = next;
  }
}

}  // namespace hearth::gateway
