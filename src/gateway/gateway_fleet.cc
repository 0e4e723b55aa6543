// The gateway's answers about the platform's other processes.
#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "gateway/fleet_json.h"
#include "gateway/gateway.h"

namespace hearth::gateway {
namespace {

model::ApiErrorCode fleet_error(base::ErrorCode code) {
  switch (code) {
    case base::ErrorCode::kUnavailable:
      return model::ApiErrorCode::kMessagingUnavailable;
    case base::ErrorCode::kTimeout:
    case base::ErrorCode::kIo:
    case base::ErrorCode::kInvalidArgument:
      return model::ApiErrorCode::kWorkerUnreachable;
    default:
      return model::api_error(code);
  }
}

std::uint32_t count(std::uint64_t number) {
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(number, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

model::GatewayLoad Gateway::load() {
  model::GatewayLoad load;
  load.calls_waiting = count(parts_.dispatcher.calls_waiting());
  load.calls_running = count(parts_.dispatcher.calls_running());
  load.memory_waited_mb =
      count(parts_.dispatcher.memory_waited_mb() + refused_callers_.memory_mb(parts_.loop.now()));
  return load;
}

void Gateway::workers(http::Responder responder) {
  auto held = std::make_shared<http::Responder>(std::move(responder));
  parts_.fleet.members([this, held](const base::Result<std::vector<model::Member>>& members) {
    if (!members) {
      held->send(refusal(fleet_error(members.error().code), members.error().message));
      return;
    }
    http::Response response;
    response.body[0] = members_json(*members);
    held->send(std::move(response));
  });
}

void Gateway::drain_worker(const std::string& id, http::Responder responder) {
  auto held = std::make_shared<http::Responder>(std::move(responder));
  parts_.fleet.drain(id, [this, held](const base::Result<void>& drained) {
    if (!drained) {
      held->send(refusal(fleet_error(drained.error().code), drained.error().message));
      return;
    }
    http::Response response;
    response.status = 202;
    response.body[0] = R"({"state":"draining"})";
    held->send(std::move(response));
  });
}

void Gateway::capacity(http::Responder responder) {
  auto held = std::make_shared<http::Responder>(std::move(responder));
  parts_.fleet.capacity([this, held](const base::Result<membership::Capacity>& counted) {
    if (!counted) {
      held->send(refusal(fleet_error(counted.error().code), counted.error().message));
      return;
    }
    http::Response response;
    response.body[0] = capacity_json(*counted);
    held->send(std::move(response));
  });
}

}  // namespace hearth::gateway
