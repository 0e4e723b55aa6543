// The store port for function metadata: the only source of truth for which functions exist.
//
// Called on threads that may block (base::BlockingPool), from several at once: every implementation
// is thread-safe. A call returns when its change is durable. The gateway keeps a cache in front, so
// no warm invocation comes here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/function.h"

namespace hearth::store {

class FunctionStore {
 public:
  virtual ~FunctionStore() = default;

  // kAlreadyExists when a non-empty name is taken.
  virtual base::Result<void> create(const model::Function& function) = 0;

  // One read, by id or by name. kNotFound.
  virtual base::Result<model::Function> find(std::string_view id_or_name) = 0;

  // Ordered by creation time, then id.
  virtual base::Result<std::vector<model::Function>> list() = 0;

  // Makes `version` the current one of the function `version.function_id` and keeps the one before
  // among its past versions. `version.number` must be the current number + 1: kBusy when somebody
  // else was faster, kNotFound when the function is gone. Returns the function as the change left it, as does
  // the change below.
  virtual base::Result<model::Function> add_version(const model::Version& version,
                                                    std::int64_t updated_ms) = 0;

  // kNotFound when there is no such function, no version that an alias names, or no alias to be removed;
  // kExhausted when the function has as many aliases as it may have.
  virtual base::Result<model::Function> change(std::string_view function_id,
                                               const model::FunctionChange& change,
                                               std::int64_t updated_ms) = 0;

  // The function's versions, newest first: `limit` at most, of numbers below `before` (0: from the current
  // one on). kNotFound when there is no such function.
  virtual base::Result<std::vector<model::Version>> versions(std::string_view function_id,
                                                             std::uint32_t before, std::size_t limit) = 0;

  // One version. kNotFound.
  virtual base::Result<model::Version> find_version(std::string_view function_id, std::uint32_t number) = 0;

  // Removes the function and all its versions. Returns the digests of the code that no version of any
  // function refers to any more. kNotFound.
  virtual base::Result<std::vector<std::string>> remove(std::string_view id) = 0;
};

}  // namespace hearth::store
