#include "worker/provision_plan.h"

#include <algorithm>
#include <utility>

namespace hearth::worker {
namespace {

std::uint32_t count_in(const ProvisionPlan::Counts& there, const model::FunctionId& function) {
  const auto found = there.find(function);
  return found == there.end() ? 0 : found->second;
}

}  // namespace

void ProvisionPlan::want(Provision provision) {
  const model::FunctionId& function = provision.version->function_id;
  if (provision.count == 0) {
    entries_.erase(function);
    return;
  }
  Entry& entry = entries_[function];
  if (entry.provision.version && entry.provision.version->id != provision.version->id) {
    entry = {};  // what went wrong with the older code says nothing of this
  }
  entry.provision = std::move(provision);
}

void ProvisionPlan::drop(const model::VersionId& version) {
  std::erase_if(entries_, [&](const auto& entry) { return entry.second.provision.version->id == version; });
}

const Provision* ProvisionPlan::find(const model::Version& version) const {
  const auto found = entries_.find(version.function_id);
  const bool is = found != entries_.end() && found->second.provision.version->id == version.id;
  return is ? &found->second.provision : nullptr;
}

ProvisionPlan::Entry* ProvisionPlan::entry_of(const model::Version& version) {
  return find(version) == nullptr ? nullptr : &entries_.at(version.function_id);
}

std::vector<Provision> ProvisionPlan::all() const {
  std::vector<Provision> all;
  for (const auto& [function, entry] : entries_) {
    all.push_back(entry.provision);
  }
  return all;
}

bool ProvisionPlan::ended(const model::Version& version, base::Duration lasted, base::TimePoint now) {
  Entry* const entry = entry_of(version);
  if (entry == nullptr) {
    return false;
  }
  if (lasted >= kProvisionLasts) {
    entry->pause = kProvisionPause;
    return false;
  }
  const bool first = entry->pause == kProvisionPause;
  entry->start_from = now + entry->pause;
  entry->pause = std::min<base::Duration>(2 * entry->pause, kProvisionPauseMost);
  return first;
}

std::vector<Provision> ProvisionPlan::lacking(const Counts& there, base::TimePoint now) const {
  std::vector<std::pair<double, const Provision*>> found;
  for (const auto& [function, entry] : entries_) {
    const std::uint32_t count = count_in(there, function);
    if (count < entry.provision.count && entry.start_from <= now) {
      found.emplace_back(static_cast<double>(count) / entry.provision.count, &entry.provision);
    }
  }
  std::ranges::stable_sort(found, {}, &std::pair<double, const Provision*>::first);
  std::vector<Provision> lacking;
  for (const auto& [part, provision] : found) {
    lacking.push_back(*provision);
  }
  return lacking;
}

base::TimePoint ProvisionPlan::next_start(const Counts& there, base::TimePoint now) const {
  auto next = base::TimePoint::max();
  for (const auto& [function, entry] : entries_) {
    if (count_in(there, function) < entry.provision.count && entry.start_from > now) {
      next = std::min(next, entry.start_from);
    }
  }
  return next;
}

}  // namespace hearth::worker
