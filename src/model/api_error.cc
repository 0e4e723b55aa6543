#include "model/api_error.h"

#include <array>
#include <cassert>
#include <cstddef>

namespace hearth::model {
namespace {

struct Row {
  ApiErrorCode code;
  std::string_view name;
  int status;
};

// In the order of the enum: a row is found by its index.
constexpr std::array kRows = {
    Row{ApiErrorCode::kBadRequest, "bad_request", 400},
    Row{ApiErrorCode::kBadJson, "bad_json", 400},
    Row{ApiErrorCode::kBadZip, "bad_zip", 400},
    Row{ApiErrorCode::kUnauthorized, "unauthorized", 401},
    Row{ApiErrorCode::kNotFound, "not_found", 404},
    Row{ApiErrorCode::kMethodNotAllowed, "method_not_allowed", 405},
    Row{ApiErrorCode::kRequestTimeout, "request_timeout", 408},
    Row{ApiErrorCode::kConflict, "conflict", 409},
    Row{ApiErrorCode::kPayloadTooLarge, "payload_too_large", 413},
    Row{ApiErrorCode::kUriTooLong, "uri_too_long", 414},
    Row{ApiErrorCode::kUnsupportedMediaType, "unsupported_media_type", 415},
    Row{ApiErrorCode::kExpectationFailed, "expectation_failed", 417},
    Row{ApiErrorCode::kTooManyRequests, "too_many_requests", 429},
    Row{ApiErrorCode::kHeaderTooLarge, "header_too_large", 431},
    Row{ApiErrorCode::kFunctionError, "function_error", 502},
    Row{ApiErrorCode::kInitError, "init_error", 502},
    Row{ApiErrorCode::kBadResponse, "bad_response", 502},
    Row{ApiErrorCode::kResponseTooLarge, "response_too_large", 502},
    Row{ApiErrorCode::kOutOfMemory, "out_of_memory", 502},
    Row{ApiErrorCode::kExited, "exited", 502},
    Row{ApiErrorCode::kProtocolError, "protocol_error", 502},
    Row{ApiErrorCode::kWebhookFailed, "webhook_failed", 502},
    Row{ApiErrorCode::kWorkerLost, "worker_lost", 502},
    Row{ApiErrorCode::kTimeout, "timeout", 504},
    Row{ApiErrorCode::kInitTimeout, "init_timeout", 504},
    Row{ApiErrorCode::kNoCapacity, "no_capacity", 503},
    Row{ApiErrorCode::kQueueFull, "queue_full", 503},
    Row{ApiErrorCode::kShuttingDown, "shutting_down", 503},
    Row{ApiErrorCode::kStartFailed, "start_failed", 503},
    Row{ApiErrorCode::kTooManyConnections, "too_many_connections", 503},
    Row{ApiErrorCode::kStoreUnavailable, "store_unavailable", 503},
    Row{ApiErrorCode::kMessagingUnavailable, "messaging_unavailable", 503},
    Row{ApiErrorCode::kWorkerUnreachable, "worker_unreachable", 503},
    Row{ApiErrorCode::kLoopDetected, "loop_detected", 508},
    Row{ApiErrorCode::kNotImplemented, "not_implemented", 501},
    Row{ApiErrorCode::kVersionNotSupported, "version_not_supported", 505},
    Row{ApiErrorCode::kStorage, "storage", 507},
    Row{ApiErrorCode::kInternal, "internal", 500},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].code) != i) {
      return false;
    }
  }
  return true;
}
static_assert(in_order(), "kRows follows the order of ApiErrorCode");

}  // namespace

std::string_view to_string(ApiErrorCode code) { return kRows[static_cast<std::size_t>(code)].name; }

int http_status(ApiErrorCode code) { return kRows[static_cast<std::size_t>(code)].status; }

ApiErrorCode api_error(OutcomeKind kind) {
  switch (kind) {
    case OutcomeKind::kReturned:
      break;
    case OutcomeKind::kThrew:
      return ApiErrorCode::kFunctionError;
    case OutcomeKind::kTimedOut:
      return ApiErrorCode::kTimeout;
    case OutcomeKind::kOutOfMemory:
      return ApiErrorCode::kOutOfMemory;
    case OutcomeKind::kExited:
      return ApiErrorCode::kExited;
    case OutcomeKind::kInitFailed:
      return ApiErrorCode::kInitError;
    case OutcomeKind::kInitTimedOut:
      return ApiErrorCode::kInitTimeout;
    case OutcomeKind::kBadInput:
      return ApiErrorCode::kBadJson;
    case OutcomeKind::kBadOutput:
      return ApiErrorCode::kBadResponse;
    case OutcomeKind::kResponseTooLarge:
      return ApiErrorCode::kResponseTooLarge;
    case OutcomeKind::kProtocolError:
      return ApiErrorCode::kProtocolError;
    case OutcomeKind::kStartFailed:
      return ApiErrorCode::kStartFailed;
    case OutcomeKind::kWorkerLost:
      return ApiErrorCode::kWorkerLost;
  }
  assert(false && "an answer has no error code");
  return ApiErrorCode::kInternal;
}

ApiErrorCode api_error(base::ErrorCode code) {
  switch (code) {
    case base::ErrorCode::kInvalidArgument:
      return ApiErrorCode::kBadRequest;
    case base::ErrorCode::kNotFound:
    case base::ErrorCode::kGone:
      return ApiErrorCode::kNotFound;
    case base::ErrorCode::kAlreadyExists:
    case base::ErrorCode::kBusy:
      return ApiErrorCode::kConflict;
    case base::ErrorCode::kTooLarge:
      return ApiErrorCode::kPayloadTooLarge;
    case base::ErrorCode::kExhausted:
      return ApiErrorCode::kQueueFull;
    case base::ErrorCode::kIo:
    case base::ErrorCode::kCorrupt:
      return ApiErrorCode::kStorage;
    case base::ErrorCode::kUnavailable:
      return ApiErrorCode::kStoreUnavailable;
    case base::ErrorCode::kTimeout:
    case base::ErrorCode::kCancelled:
    case base::ErrorCode::kUnsupported:
    case base::ErrorCode::kInternal:
      return ApiErrorCode::kInternal;
  }
  return ApiErrorCode::kInternal;
}

}  // namespace hearth::model
