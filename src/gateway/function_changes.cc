#include "gateway/function_changes.h"

#include <utility>

#include "base/bring_back.h"

namespace hearth::gateway {

void FunctionMirrors::created(const model::FunctionPtr& function, const std::function<void()>& everywhere) {
  tell([function](
           FunctionMirror& mirror) { mirror.created(std::make_shared<const model::Function>(*function)); },
       everywhere);
}

void FunctionMirrors::updated(const model::FunctionPtr& function, const std::function<void()>& everywhere) {
  tell([function](
           FunctionMirror& mirror) { mirror.updated(std::make_shared<const model::Function>(*function)); },
       everywhere);
}

void FunctionMirrors::removed(const model::FunctionPtr& function, const std::function<void()>& everywhere) {
  tell([function](FunctionMirror& mirror) { mirror.removed(function); }, everywhere);
}

void FunctionMirrors::synced(const model::FunctionId& id, const model::FunctionPtr& function,
                             const std::function<void()>& everywhere) {
  tell(
      [id, function](FunctionMirror& mirror) {
        mirror.synced(id, function ? std::make_shared<const model::Function>(*function) : nullptr);
      },
      everywhere);
}

void FunctionMirrors::serve_until(const ServingTerm& term) const {
  for (const LoopMirror& each : mirrors_) {
    each.loop->post([mirror = each.mirror, term] { mirror->serve_until(term); });
  }
}

void FunctionMirrors::begin_with(const ServingTerm& term) const {
  for (const LoopMirror& each : mirrors_) {
    each.mirror->serve_until(term);
  }
}

void FunctionMirrors::tell(const std::function<void(FunctionMirror&)>& tell_one,
                           const std::function<void()>& everywhere) {
  tell_one(*mirrors_.front().mirror);
  if (mirrors_.size() == 1) {
    everywhere();
    return;
  }
  auto missing = std::make_shared<std::size_t>(mirrors_.size() - 1);
  for (auto other = mirrors_.begin() + 1; other != mirrors_.end(); ++other) {
    auto told = base::bring_back(*mirrors_.front().loop, std::function<void()>([missing, everywhere] {
      if (--*missing == 0) {
        everywhere();
      }
    }));
    other->loop->post([tell_one, mirror = other->mirror, told] {
      tell_one(*mirror);
      told();
    });
  }
}

void DistantFunctionChanges::create(std::shared_ptr<Upload> upload, Changed done) {
  auto told = base::bring_back(loop_, std::move(done));
  home_.post([&changes = changes_, upload = std::move(upload), told] { changes.create(upload, told); });
}

void DistantFunctionChanges::update(model::FunctionPtr function, std::shared_ptr<Upload> upload,
                                    Changed done) {
  auto told = base::bring_back(loop_, std::move(done));
  home_.post([&changes = changes_, function = std::move(function), upload = std::move(upload), told] {
    changes.update(function, upload, told);
  });
}

void DistantFunctionChanges::roll_back(model::FunctionPtr function, std::uint32_t to, Changed done) {
  auto told = base::bring_back(loop_, std::move(done));
  home_.post([&changes = changes_, function = std::move(function), to, told] {
    changes.roll_back(function, to, told);
  });
}

void DistantFunctionChanges::change(const model::FunctionPtr& function, const model::FunctionChange& change,
                                    Changed done) {
  auto told = base::bring_back(loop_, std::move(done));
  home_.post([&changes = changes_, function, change, told] { changes.change(function, change, told); });
}

void DistantFunctionChanges::remove(const model::FunctionPtr& function, Removed done) {
  auto told = base::bring_back(loop_, std::move(done));
  home_.post([&changes = changes_, function, told] { changes.remove(function, told); });
}

}  // namespace hearth::gateway
