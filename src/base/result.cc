#include "base/result.h"

#include <cstring>

namespace hearth::base {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kAlreadyExists:
      return "already_exists";
    case ErrorCode::kGone:
      return "gone";
    case ErrorCode::kBusy:
      return "busy";
    case ErrorCode::kExhausted:
      return "exhausted";
    case ErrorCode::kTooLarge:
      return "too_large";
    case ErrorCode::kTimeout:
      return "timeout";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kCorrupt:
      return "corrupt";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "internal";
}

Error io_error(std::string_view what, int saved_errno) {
  std::string message(what);
  message += ": ";
  message += std::strerror(saved_errno);
  return Error{ErrorCode::kIo, std::move(message)};
}

}  // namespace hearth::base
