#include "dispatch/function_cache.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace hearth::dispatch {

model::FunctionPtr FunctionCache::find(std::string_view id_or_name) const {
  if (const auto found = by_id_.find(id_or_name); found != by_id_.end()) {
    return found->second;
  }
  const auto found = by_name_.find(id_or_name);
  return found == by_name_.end() ? nullptr : found->second;
}

model::FunctionPtr FunctionCache::put(model::FunctionPtr function) {
  model::FunctionPtr before = remove(function->id);
  if (!function->name.empty()) {
    by_name_[function->name] = function;
  }
  by_id_[function->id] = std::move(function);
  return before;
}

model::FunctionPtr FunctionCache::remove(const model::FunctionId& id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) {
    return nullptr;
  }
  model::FunctionPtr removed = std::move(found->second);
  by_id_.erase(found);
  // A younger function may have taken the name already.
  if (const auto named = by_name_.find(removed->name); named != by_name_.end() && named->second->id == id) {
    by_name_.erase(named);
  }
  return removed;
}

std::vector<model::FunctionPtr> FunctionCache::list() const {
  std::vector<model::FunctionPtr> functions;
  functions.reserve(by_id_.size());
  for (const auto& [id, function] : by_id_) {
    functions.push_back(function);
  }
  std::sort(functions.begin(), functions.end(), [](const auto& a, const auto& b) {
    return std::tie(a->created_ms, a->id) < std::tie(b->created_ms, b->id);
  });
  return functions;
}

}  // namespace hearth::dispatch
