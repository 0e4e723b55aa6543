// The versions of functions as the store has them: past ones are read when somebody asks for them. The
// current ones are in the mirror. Loop thread only, each loop its own; the reads are on the pool.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/blocking_pool.h"
#include "base/event_loop.h"
#include "gateway/function_changes.h"
#include "model/function.h"
#include "store/function_store.h"

namespace hearth::gateway {

// kNotFound, and which one is current.
ApiFailure no_such_version(const model::Function& function, std::uint32_t number);

class FunctionVersions {
 public:
  using Listed = std::function<void(ApiResult<std::vector<model::Version>>)>;
  using Found = std::function<void(ApiResult<model::VersionPtr>)>;

  // All outlive this; `loop` is the one that asks.
  FunctionVersions(store::FunctionStore& functions, base::BlockingPool& pool, base::EventLoop& loop)
      : functions_(functions), pool_(pool), loop_(loop) {}

  // As FunctionStore::versions() and find_version(). `done` is called on the loop, perhaps inside the call.
  void list(const model::FunctionId& function, std::uint32_t before, std::size_t limit, Listed done);
  void find(const model::FunctionId& function, std::uint32_t number, Found done);

 private:
  template <typename Value, typename Read>
  void read(Read read, std::function<void(ApiResult<Value>)> done);

  store::FunctionStore& functions_;
  base::BlockingPool& pool_;
  base::EventLoop& loop_;
};

}  // namespace hearth::gateway
