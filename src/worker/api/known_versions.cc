#include "worker/api/known_versions.h"

#include <utility>

namespace hearth::worker {

void KnownVersions::add(cluster::ToldVersion told) {
  if (find(told.version->id) != nullptr) {
    return;  // versions do not change
  }
  order_.push_front(std::move(told));
  places_[order_.front().version->id] = order_.begin();
  if (order_.size() > most_) {
    places_.erase(order_.back().version->id);
    order_.pop_back();
  }
}

const cluster::ToldVersion* KnownVersions::find(std::string_view id) {
  const auto place = places_.find(id);
  if (place == places_.end()) {
    return nullptr;
  }
  order_.splice(order_.begin(), order_, place->second);
  return &*place->second;
}

}  // namespace hearth::worker
