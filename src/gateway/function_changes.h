// Changes of functions as the gateway asks for them, and how every loop's mirror comes to know of them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/event_loop.h"
#include "gateway/api_result.h"
#include "gateway/upload.h"
#include "gateway/version_lease.h"
#include "model/function.h"

namespace hearth::gateway {

// `done` is called on the loop of whoever asks, perhaps inside the call, when the change is durable and every
// mirror has it.
class FunctionChanges {
 public:
  using Changed = std::function<void(ApiResult<model::FunctionPtr>)>;
  using Removed = std::function<void(ApiResult<std::monostate>)>;

  virtual ~FunctionChanges() = default;
  virtual void create(std::shared_ptr<Upload> upload, Changed done) = 0;
  // A new current version: the code that came, or the one it has, with the settings that came over
  // those it has. No call runs older code once `done` was told.
  virtual void update(model::FunctionPtr function, std::shared_ptr<Upload> upload, Changed done) = 0;
  // A new current version with the settings and the code of a past one; 0: of the one before. The same is
  // true of it.
  virtual void roll_back(model::FunctionPtr function, std::uint32_t to, Changed done) = 0;
  // Without a new version. No call that names an alias runs what it named before once `done` was told.
  virtual void change(const model::FunctionPtr& function, const model::FunctionChange& change,
                      Changed done) = 0;
  virtual void remove(const model::FunctionPtr& function, Removed done) = 0;
};

// What one loop knows of the functions: told of each change, in order.
class FunctionMirror {
 public:
  virtual ~FunctionMirror() = default;
  virtual void created(model::FunctionPtr function) = 0;
  // It has a newer version, or one of FunctionChange. Perhaps it has been removed meanwhile: two changes may
  // become durable in one order and be told in the other.
  virtual void updated(model::FunctionPtr function) = 0;
  virtual void removed(const model::FunctionPtr& function) = 0;
  // Told by the change feed of a store that other servers change too, this one's changes included: what it
  // holds of the function, none if it is gone. Perhaps older than what was told here already.
  virtual void synced(const model::FunctionId& id, model::FunctionPtr function) = 0;
  // Of such a store, too: how long calls may run what this mirror knows, until told anew. Not told: for ever.
  virtual void serve_until(const ServingTerm& term) = 0;
};

struct LoopMirror {
  base::EventLoop* loop = nullptr;
  FunctionMirror* mirror = nullptr;
};

// The mirrors of all loops. Used on the loop of the first, which is told inside the call, the others by
// message.
class FunctionMirrors {
 public:
  explicit FunctionMirrors(std::vector<LoopMirror> mirrors) : mirrors_(std::move(mirrors)) {}

  // `everywhere`: when all have it; inside the call if there is only one. Each loop gets a copy of its own,
  // so that calls on two of them do not count references to the same.
  void created(const model::FunctionPtr& function, const std::function<void()>& everywhere);
  void updated(const model::FunctionPtr& function, const std::function<void()>& everywhere);
  void removed(const model::FunctionPtr& function, const std::function<void()>& everywhere);
  void synced(const model::FunctionId& id, const model::FunctionPtr& function,
              const std::function<void()>& everywhere);
  // From any thread; or, before any loop runs, inside the call.
  void serve_until(const ServingTerm& term) const;
  void begin_with(const ServingTerm& term) const;

 private:
  void tell(const std::function<void(FunctionMirror&)>& tell_one, const std::function<void()>& everywhere);

  const std::vector<LoopMirror> mirrors_;
};

// For a gateway on another loop than the one that makes the changes.
class DistantFunctionChanges final : public FunctionChanges {
 public:
  // `changes` lives on `home`; both outlive this object. Used on `loop`.
  DistantFunctionChanges(base::EventLoop& home, FunctionChanges& changes, base::EventLoop& loop)
      : home_(home), changes_(changes), loop_(loop) {}

  void create(std::shared_ptr<Upload> upload, Changed done) override;
  void update(model::FunctionPtr function, std::shared_ptr<Upload> upload, Changed done) override;
  void roll_back(model::FunctionPtr function, std::uint32_t to, Changed done) override;
  void change(const model::FunctionPtr& function, const model::FunctionChange& change, Changed done) override;
  void remove(const model::FunctionPtr& function, Removed done) override;

 private:
  base::EventLoop& home_;
  FunctionChanges& changes_;
  base::EventLoop& loop_;
};

}  // namespace hearth::gateway
