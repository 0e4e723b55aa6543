// Changes of functions: checked, made durable in the store, then visible to the next call.
//
// Each operation does its blocking part on the pool and ends on the loop. Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <variant>

#include "archive/archive.h"
#include "base/blocking_pool.h"
#include "base/event_loop.h"
#include "base/random.h"
#include "dispatch/dispatcher.h"
#include "dispatch/function_cache.h"
#include "gateway/upload.h"
#include "model/api_error.h"
#include "model/limits.h"
#include "store/code_store.h"
#include "store/function_store.h"

namespace hearth::gateway {

struct ApiFailure {
  model::ApiErrorCode code = model::ApiErrorCode::kInternal;
  std::string message;
};

template <typename Value>
using ApiResult = std::variant<Value, ApiFailure>;

struct FunctionsApiParts {
  store::FunctionStore& functions;
  store::CodeStore& code;
  dispatch::FunctionCache& cache;
  dispatch::Dispatcher& dispatcher;
  base::BlockingPool& pool;
  base::EventLoop& loop;
  base::Random& random;  // used on pool threads: must be thread-safe
};

class FunctionsApi {
 public:
  using Changed = std::function<void(ApiResult<model::FunctionPtr>)>;
  using Removed = std::function<void(ApiResult<std::monostate>)>;

  FunctionsApi(FunctionsApiParts parts, model::UploadLimits upload_limits,
               model::FunctionLimits function_limits)
      : parts_(parts), upload_limits_(upload_limits), function_limits_(function_limits) {}
  FunctionsApi(const FunctionsApi&) = delete;
  FunctionsApi& operator=(const FunctionsApi&) = delete;

  void create(std::shared_ptr<Upload> upload, Changed done);
  // A new current version: the code that came, or the one it has, with the settings that came over
  // those it has. No call runs older code once `done` was told.
  void update(model::FunctionPtr function, std::shared_ptr<Upload> upload, Changed done);
  void remove(const model::FunctionPtr& function, Removed done);

 private:
  // Pool thread.
  ApiResult<model::Function> create_blocking(Upload& upload);
  ApiResult<model::Function> update_blocking(const model::Function& function, Upload& upload);
  base::Result<void> remove_blocking(const model::Function& function);
  std::optional<ApiFailure> check_zip(Upload& upload, const model::Version& version);
  std::optional<ApiFailure> keep_code(Upload& upload, model::Version& version);

  template <typename Work, typename Done>
  void on_pool(Work work, Done done);

  const FunctionsApiParts parts_;
  const model::UploadLimits upload_limits_;
  const model::FunctionLimits function_limits_;
  // Held from a blob's commit until a version refers to it, and while unreferenced blobs are removed:
  // otherwise a deletion could take the code of a function that is being created.
  std::mutex code_mutex_;
};

}  // namespace hearth::gateway
