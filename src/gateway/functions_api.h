// Changes of functions: checked, made durable in the store, then told to every mirror, so visible to the next
// call.
//
// Each operation does its blocking part on the pool and ends on the loop. Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "archive/archive.h"
#include "base/blocking_pool.h"
#include "base/event_loop.h"
#include "base/random.h"
#include "gateway/function_changes.h"
#include "model/limits.h"
#include "store/change_feed.h"
#include "store/code_store.h"
#include "store/function_store.h"

namespace hearth::gateway {

struct FunctionsApiParts {
  store::FunctionStore& functions;
  store::CodeStore& code;
  base::BlockingPool& pool;
  base::EventLoop& loop;
  base::Random& random;  // used on pool threads: must be thread-safe
  store::ChangeFeed* feed =
      nullptr;  // of a store that other servers follow: a change is told when all use it
};

class FunctionsApi final : public FunctionChanges {
 public:
  FunctionsApi(FunctionsApiParts parts, model::UploadLimits upload_limits,
               model::FunctionLimits function_limits)
      : parts_(parts), upload_limits_(upload_limits), function_limits_(function_limits) {}
  FunctionsApi(const FunctionsApi&) = delete;
  FunctionsApi& operator=(const FunctionsApi&) = delete;

  // Who is told of changes; before the first. The first of them is on this object's loop.
  void publish_to(std::vector<LoopMirror> mirrors) { mirrors_.emplace(std::move(mirrors)); }

  void create(std::shared_ptr<Upload> upload, Changed done) override;
  void update(model::FunctionPtr function, std::shared_ptr<Upload> upload, Changed done) override;
  void roll_back(model::FunctionPtr function, std::uint32_t to, Changed done) override;
  void change(const model::FunctionPtr& function, const model::FunctionChange& change, Changed done) override;
  void remove(const model::FunctionPtr& function, Removed done) override;

 private:
  using Telling = void (FunctionMirrors::*)(const model::FunctionPtr&, const std::function<void()>&);

  // Pool thread.
  ApiResult<model::Function> create_blocking(Upload& upload);
  ApiResult<model::Function> update_blocking(const model::Function& function, Upload& upload);
  ApiResult<model::Function> roll_back_blocking(const model::Function& function, std::uint32_t to);
  ApiResult<model::Function> add_version(const model::Function& changed);
  base::Result<void> remove_blocking(const model::Function& function);
  template <typename Value>
  ApiResult<Value> used_everywhere(ApiResult<Value> result);
  std::optional<ApiFailure> check_zip(Upload& upload, const model::Version& version);
  std::optional<ApiFailure> keep_code(Upload& upload, model::Version& version);

  template <typename Work, typename Done>
  void on_pool(Work work, Done done);
  void make_change(std::function<ApiResult<model::Function>()> work, Changed done);
  void publish(ApiResult<model::Function> result, const Changed& done, Telling tell);

  const FunctionsApiParts parts_;
  const model::UploadLimits upload_limits_;
  const model::FunctionLimits function_limits_;
  std::optional<FunctionMirrors> mirrors_;
  // Held from a blob's commit until a version refers to it, and while unreferenced blobs are removed:
  // otherwise a deletion could take the code of a function that is being created.
  std::mutex code_mutex_;
};

}  // namespace hearth::gateway
