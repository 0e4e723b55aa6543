// One invocation between its request and its answer. A part of Gateway.
#pragma once

#include "base/event_loop.h"
#include "gateway/gateway.h"
#include "model/function.h"
#include "model/request_id.h"

namespace hearth::gateway {

struct Gateway::Call {
  model::FunctionPtr function;
  model::VersionPtr version;  // that it is executed by
  model::RequestId request_id;
  http::Responder responder;
  base::TimePoint began;
};

}  // namespace hearth::gateway
