#include "worker/api/provision_book.h"

#include <algorithm>

namespace hearth::worker {

cluster::ReadyCounts ProvisionBook::told(const std::vector<cluster::ToldProvision>& provisions) {
  cluster::ReadyCounts counts;
  for (const cluster::ToldProvision& provision : provisions) {
    take(provision, loop_.now() + kProvisionLife);
  }
  for (const cluster::ToldProvision& provision : provisions) {
    const model::FunctionId& function = provision.told.version->function_id;
    counts[function] = keeper_.ready(function);
  }
  arm();
  return counts;
}

void ProvisionBook::take(const cluster::ToldProvision& provision, base::TimePoint until) {
  const auto found = entries_.find(provision.told.version->function_id);
  if (found == entries_.end()) {
    if (provision.count > 0 && entries_.size() < kMost) {
      entries_.emplace(provision.told.version->function_id, Entry{provision, until});
      keeper_.keep(provision);
    }
    return;
  }
  cluster::ToldProvision& before = found->second.provision;
  if (provision.revision < before.revision) {
    return;
  }
  found->second.until = until;
  const bool same = provision.told.version->id == before.told.version->id && provision.count == before.count;
  before = provision;
  if (!same) {
    keeper_.keep(provision);
  }
}

void ProvisionBook::arm() {
  if (timer_ != 0 || entries_.empty()) {
    return;
  }
  const auto first =
      std::ranges::min_element(entries_, {}, [](const auto& entry) { return entry.second.until; });
  timer_ = loop_.at(first->second.until, [this] {
    timer_ = 0;
    expire();
  });
}

void ProvisionBook::expire() {
  const base::TimePoint now = loop_.now();
  std::erase_if(entries_, [&](const auto& entry) {
    if (entry.second.until > now) {
      return false;
    }
    keeper_.keep({entry.second.provision.told, entry.second.provision.revision, 0});
    return true;
  });
  arm();
}

}  // namespace hearth::worker
