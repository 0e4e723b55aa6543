#include "dispatch/function_cache.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace hearth::dispatch {
namespace {

// A release that knows no revisions counts the versions alone, and may run beside this one.
bool is_newer(const model::Function& function, const model::Function& known) {
  return std::tie(function.current.number, function.revision) >
         std::tie(known.current.number, known.revision);
}

}  // namespace

model::FunctionPtr FunctionCache::find(std::string_view id_or_name) const {
  if (const auto found = by_id_.find(id_or_name); found != by_id_.end()) {
    return found->second;
  }
  const auto found = by_name_.find(id_or_name);
  return found == by_name_.end() ? nullptr : found->second;
}

model::FunctionPtr FunctionCache::put(model::FunctionPtr function) {
  const auto known = by_id_.find(function->id);
  const bool late = known == by_id_.end() ? std::ranges::find(removed_, function->id) != removed_.end()
                                          : !is_newer(*function, *known->second);
  if (late) {
    return nullptr;
  }
  model::FunctionPtr before = take_out(function->id);
  if (!function->name.empty()) {
    by_name_[function->name] = function;
  }
  by_id_[function->id] = std::move(function);
  return before;
}

model::FunctionPtr FunctionCache::remove(const model::FunctionId& id) {
  removed_.push_back(id);
  if (removed_.size() > kRemovedRemembered) {
    removed_.pop_front();
  }
  return take_out(id);
}

model::FunctionPtr FunctionCache::take_out(const model::FunctionId& id) {
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
