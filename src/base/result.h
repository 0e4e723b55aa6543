// Expected failures as values: Result<T> carries a T or an Error from a small closed list of codes.
// Used by every part; exceptions are left to start-up and bugs. Values, free of threads.
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace hearth::base {

// Closed list. model/api_error.h maps the ones that reach a caller to an API code and a status.
enum class ErrorCode {
  kInvalidArgument,  // the caller's input is malformed
  kNotFound,         // the thing named does not exist
  kAlreadyExists,    // the name is taken
  kGone,             // it existed and has been removed
  kBusy,             // it exists and is in use by somebody else
  kExhausted,        // a bound was reached (memory, queue, descriptors)
  kTooLarge,         // larger than a stated limit
  kTimeout,          // a deadline passed
  kUnavailable,      // what we depend on cannot be reached, or does not answer in time
  kCorrupt,          // stored or received bytes fail their check
  kIo,               // the operating system refused; the message holds errno's text
  kCancelled,        // the asker withdrew
  kUnsupported,      // not available on this machine
  kInternal,         // a bug or a broken promise of ours
};

std::string_view to_string(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;

  bool operator==(const Error&) const = default;
};

// An Error of kIo whose message is "what: strerror(saved_errno)".
Error io_error(std::string_view what, int saved_errno);

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(const T& value) : state_(std::in_place_index<0>, value) {}          // NOLINT: implicit by design
  Result(T&& value) : state_(std::in_place_index<0>, std::move(value)) {}    // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    assert(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const {
    assert(!ok());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit by design

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const {
    assert(!ok());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace hearth::base
