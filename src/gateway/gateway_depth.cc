// Calls that functions make of functions: each is named with how many led to it, and there is an end to them.
#include <fmt/format.h>

#include "base/ids.h"
#include "gateway/gateway.h"
#include "gateway/gateway_call.h"

namespace hearth::gateway {

// False: the call has been refused.
bool Gateway::name_call(Call& call, const http::RequestHead& head) {
  const auto guid = base::make_guid_text(parts_.request_ids);
  const std::string_view id(guid.data(), guid.size());
  call.request_id = id;
  const auto parent = head.header("X-Hearth-Parent");
  if (!parent) {
    return true;
  }
  const auto before = model::depth_of(*parent);
  if (!before) {
    call.responder.send(refusal(model::ApiErrorCode::kBadRequest,
                                "X-Hearth-Parent: the request id of the call that makes this one"));
    return false;
  }
  if (*before >= options_.max_depth) {
    call.responder.send(
        refusal(model::ApiErrorCode::kLoopDetected,
                fmt::format("{} calls have led to one another: no more may follow (--max-depth)", *before)));
    return false;
  }
  call.depth = *before + 1;
  call.request_id = model::with_depth(id, call.depth);
  return true;
}

}  // namespace hearth::gateway
