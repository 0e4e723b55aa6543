// What an operation of the API comes to: its value, or what the caller is told instead.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "base/result.h"
#include "model/api_error.h"

namespace hearth::gateway {

struct ApiFailure {
  model::ApiErrorCode code = model::ApiErrorCode::kInternal;
  std::string message;
};

// Of a failed operation of a port.
ApiFailure failure(const base::Error& error);

template <typename Value>
using ApiResult = std::variant<Value, ApiFailure>;

template <typename Value>
ApiResult<Value> api_result(base::Result<Value>&& result) {
  return result ? ApiResult<Value>(std::move(*result)) : failure(result.error());
}

}  // namespace hearth::gateway
