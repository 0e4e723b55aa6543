#include "gateway/fleet_provisions.h"

#include <algorithm>
#include <utility>

namespace hearth::gateway {

void FleetProvisions::changed(const model::Function& function) {
  const bool wanted = function.concurrency.provisioned > 0;
  const auto known = known_.find(function.id);
  if (known == known_.end() && !wanted) {
    return;
  }
  if (known == known_.end() || known->second.version != function.current.id || !wanted) {
    for (auto& [uri, ready] : workers_) {
      ready.erase(function.id);  // those were others
    }
  }
  known_[function.id] = {function.current.id, wanted};
  tell_soon();
}

std::uint32_t FleetProvisions::ready(const model::FunctionId& function) const {
  std::uint32_t sum = 0;
  for (const auto& [uri, ready] : workers_) {
    const auto found = ready.find(function);
    sum += found == ready.end() ? 0 : found->second;
  }
  return sum;
}

ProvisionCount FleetProvisions::in_all() const {
  ProvisionCount count;
  for (const auto& [id, known] : known_) {
    const model::FunctionPtr function = parts_.functions.find(id);
    count.wanted += function ? function->concurrency.provisioned : 0;
    count.ready += ready(id);
  }
  return count;
}

void FleetProvisions::looked(const std::vector<model::Member>& members) {
  std::map<std::string, FleetProvisionsParts::Ready> workers;
  for (const model::Member& member : members) {
    if (member.worker && member.state == model::MemberState::kServing && !member.uri.empty()) {
      workers[member.uri] = std::move(workers_[member.uri]);
    }
  }
  workers_ = std::move(workers);
  tell_all();
}

// What changes in one turn of the loop is told at once.
void FleetProvisions::tell_soon() {
  if (std::exchange(telling_soon_, true)) {
    return;
  }
  parts_.loop.post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) {
      telling_soon_ = false;
      tell_all();
    }
  });
}

std::vector<model::FunctionPtr> FleetProvisions::to_tell() {
  std::vector<model::FunctionPtr> functions;
  std::erase_if(known_, [&](const auto& entry) {
    const model::FunctionPtr function = parts_.functions.find(entry.first);
    if (function) {
      functions.push_back(function);
    }
    return !function || !entry.second.wanted;
  });
  return functions;
}

void FleetProvisions::tell_all() {
  if (workers_.empty() || known_.empty() || !parts_.knows_newest()) {
    return;
  }
  const std::vector<model::FunctionPtr> functions = to_tell();
  ProvisionPart part{0, static_cast<std::uint32_t>(workers_.size())};
  for (const auto& [uri, ready] : workers_) {
    std::vector<WorkerProvision> provisions;
    for (const model::FunctionPtr& function : functions) {
      provisions.push_back({function, part.of(function->concurrency.provisioned, function->id)});
    }
    parts_.tell(
        uri, std::move(provisions),
        [this, at = uri, alive = std::weak_ptr<bool>(alive_)](const FleetProvisionsParts::Ready& now) {
          if (!alive.expired()) {
            answered(at, now);
          }
        });
    ++part.index;
  }
}

void FleetProvisions::answered(const std::string& uri, const FleetProvisionsParts::Ready& ready) {
  const auto worker = workers_.find(uri);
  if (worker == workers_.end()) {
    return;
  }
  for (const auto& [function, count] : ready) {
    if (known_.contains(function)) {
      worker->second[function] = count;
    }
  }
}

}  // namespace hearth::gateway
