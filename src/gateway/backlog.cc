#include "gateway/backlog.h"

#include <fmt/format.h>

#include <algorithm>

namespace hearth::gateway {

using model::ApiErrorCode;

namespace {

// What one takes on the disk beside its input, in the log and in the tables.
constexpr std::uint64_t kRowBytes = 2'048;

std::uint64_t at_least_none(std::int64_t count) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0));
}

}  // namespace

void Backlog::begin_with(const std::vector<store::Backlog>& found) {
  executions_ = 0;
  input_bytes_ = 0;
  of_.clear();
  for (const store::Backlog& each : found) {
    add(each.function_id, each.executions, each.input_bytes);
  }
}

std::optional<ApiFailure> Backlog::admit(const model::FunctionId& function, std::uint64_t input_bytes,
                                         std::optional<std::uint32_t> max_backlog) {
  if (executions_ >= limits_.executions) {
    return ApiFailure{
        ApiErrorCode::kQueueFull,
        fmt::format("{} asynchronous executions have not ended (--async-backlog)", executions_)};
  }
  if (input_bytes_ + input_bytes > limits_.input_bytes) {
    return ApiFailure{
        ApiErrorCode::kQueueFull,
        fmt::format("the inputs of asynchronous executions that have not ended are {} bytes, and with "
                    "this one over --async-backlog-bytes",
                    input_bytes_)};
  }
  if (room_bytes_ && *room_bytes_ < limits_.room_bytes + input_bytes) {
    return ApiFailure{
        ApiErrorCode::kQueueFull,
        fmt::format("the data directory has room for {} bytes (--async-min-free-disk)", *room_bytes_)};
  }
  const auto found = of_.find(function);
  const std::uint64_t open = found == of_.end() ? 0 : at_least_none(found->second.executions);
  const std::uint64_t most = max_backlog ? *max_backlog : limits_.of_a_function;
  if (open >= most) {
    return ApiFailure{ApiErrorCode::kTooManyRequests,
                      fmt::format("{} asynchronous executions of this function have not ended ({})", open,
                                  max_backlog ? "its \"maxBacklog\"" : "--async-function-backlog")};
  }
  add(function, 1, input_bytes);
  if (room_bytes_) {
    *room_bytes_ -= std::min(*room_bytes_, input_bytes + kRowBytes);
  }
  return std::nullopt;
}

void Backlog::set_room(std::optional<std::uint64_t> bytes) { room_bytes_ = bytes; }

void Backlog::add(const model::FunctionId& function, std::uint64_t executions, std::uint64_t input_bytes) {
  change(function, static_cast<std::int64_t>(executions), static_cast<std::int64_t>(input_bytes));
}

void Backlog::remove(const model::FunctionId& function, std::uint64_t input_bytes) {
  change(function, -1, -static_cast<std::int64_t>(input_bytes));
}

void Backlog::change(const model::FunctionId& function, std::int64_t executions, std::int64_t input_bytes) {
  Open& open = of_[function];
  const Open before = open;
  open.executions += executions;
  open.input_bytes += input_bytes;
  executions_ += at_least_none(open.executions) - at_least_none(before.executions);
  input_bytes_ += at_least_none(open.input_bytes) - at_least_none(before.input_bytes);
  if (open == Open()) {
    of_.erase(function);
  }
}

}  // namespace hearth::gateway
