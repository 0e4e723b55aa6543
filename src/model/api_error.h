// The closed list of error codes that callers see, each with its one HTTP status. Pure.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/outcome.h"

namespace hearth::model {

enum class ApiErrorCode {
  kBadRequest,            // 400 a field is missing, of the wrong type or out of bounds
  kBadJson,               // 400 the body is not JSON
  kBadZip,                // 400 the zip is corrupt, unsafe or lacks the handler
  kUnauthorized,          // 401 no API key, or a wrong one
  kNotFound,              // 404 no such function, version, alias, execution or route
  kMethodNotAllowed,      // 405
  kRequestTimeout,        // 408 head or body came too slowly
  kConflict,              // 409 the name or key is taken, two deploys met, or the execution has ended
  kPayloadTooLarge,       // 413
  kUriTooLong,            // 414
  kUnsupportedMediaType,  // 415
  kExpectationFailed,     // 417
  kTooManyRequests,       // 429 a bound of this function's or of this caller's; Retry-After
  kHeaderTooLarge,        // 431
  kFunctionError,         // 502 the handler threw
  kInitError,             // 502 the handler's module could not be loaded
  kBadResponse,           // 502 JSON cannot hold what the handler returned
  kResponseTooLarge,      // 502
  kOutOfMemory,           // 502
  kExited,                // 502 the process ended in the middle of the call
  kProtocolError,         // 502 the instance broke the runtime protocol
  kWebhookFailed,         // 502 a webhook could not be reached, or did not take the message
  kWorkerLost,            // 502 the worker was lost in the middle of the call, which may have been executed
  kTimeout,               // 504 the handler ran longer than the version's time-out
  kInitTimeout,           // 504 loading ran longer than the init time-out
  kNoCapacity,            // 503 no memory for another instance; Retry-After
  kQueueFull,             // 503 too many calls or executions wait; Retry-After
  kShuttingDown,          // 503 the server is stopping; Retry-After
  kStartFailed,           // 503 no instance could be started; the message says why
  kTooManyConnections,    // 503
  kStoreUnavailable,      // 503 the store of all servers cannot be reached; Retry-After
  kMessagingUnavailable,  // 503 the Redis servers that tell who there is do not answer; Retry-After
  kWorkerUnreachable,     // 503 the worker that was asked for does not answer; Retry-After
  kLoopDetected,          // 508 executions that lead to one another have become too many
  kNotImplemented,        // 501 a transfer coding that we do not speak
  kVersionNotSupported,   // 505
  kStorage,               // 507 the data directory is full or failing
  kInternal,              // 500 a bug of ours
};

std::string_view to_string(ApiErrorCode code);  // "bad_json"
int http_status(ApiErrorCode code);

// For an outcome that is no answer; kReturned must not be asked.
ApiErrorCode api_error(OutcomeKind kind);
// For a failed operation of a port.
ApiErrorCode api_error(base::ErrorCode code);

}  // namespace hearth::model
