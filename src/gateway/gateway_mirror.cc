// The gateway as a mirror: what it is told of functions, and what follows from it for calls, instances and
// logs.
#include <memory>
#include <utility>

#include "gateway/gateway.h"
#include "model/alias.h"

namespace hearth::gateway {

void Gateway::created(model::FunctionPtr function) {
  parts_.functions.put(function);
  apply_policy(function->id);
}

void Gateway::updated(model::FunctionPtr function) {
  const model::FunctionPtr before = parts_.functions.put(function);
  if (before && before->current.id != function->current.id) {
    replaced(*before, *function);
  }
  apply_policy(function->id);
}

void Gateway::replaced(const model::Function& before, const model::Function& now) {
  if (model::any_names(now.aliases, before.current.number)) {
    // Its instances are as wanted as before.
    past_versions_.keep(std::make_shared<const model::Version>(before.current));
  } else {
    parts_.dispatcher.retire(before.current.id, /*deleted=*/false);
  }
}

void Gateway::removed(const model::FunctionPtr& function) {
  const model::FunctionPtr newest = parts_.functions.remove(function->id);
  parts_.dispatcher.retire((newest ? newest : function)->current.id, /*deleted=*/true);
  forget(function->id);
}

void Gateway::synced(const model::FunctionId& id, model::FunctionPtr function) {
  if (function) {
    updated(std::move(function));
  } else if (const model::FunctionPtr known = parts_.functions.remove(id)) {
    parts_.dispatcher.retire(known->current.id, /*deleted=*/true);
    forget(id);
  }
}

void Gateway::forget(const model::FunctionId& function) {
  past_versions_.forget(function);
  log_book_.forget(function);
  if (index_ == 0) {
    parts_.limits.forget(function);
  }
}

}  // namespace hearth::gateway
