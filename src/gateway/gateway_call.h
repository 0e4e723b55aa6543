// One invocation between its request and its answer. A part of Gateway.
#pragma once

#include <cstdint>

#include "base/event_loop.h"
#include "gateway/gateway.h"
#include "model/function.h"
#include "model/request_id.h"

namespace hearth::gateway {

struct Gateway::Call {
  model::FunctionPtr function;
  std::uint32_t memory_mb = 0;      // of the version that executes it
  std::uint32_t named_version = 0;  // by an alias: the answer says it; 0: no alias was named
  model::RequestId request_id;
  std::uint32_t depth = 0;  // calls that led to it
  http::Responder responder;
  base::TimePoint began;
};

}  // namespace hearth::gateway
