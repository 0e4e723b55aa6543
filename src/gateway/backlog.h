// The asynchronous executions that have not ended, counted, so that there are never more than the limits say.
// Loop thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "gateway/function_changes.h"
#include "store/execution_store.h"

namespace hearth::gateway {

struct BacklogLimits {
  std::uint64_t executions = 1'000'000;      // --async-backlog
  std::uint64_t input_bytes = 4ULL << 30U;   // --async-backlog-bytes
  std::uint64_t of_a_function = 500'000;     // --async-function-backlog
  std::uint64_t room_bytes = 256ULL << 20U;  // --async-min-free-disk: less, and nothing is accepted
};

class Backlog {
 public:
  explicit Backlog(BacklogLimits limits) : limits_(limits) {}

  // What the store holds.
  void begin_with(const std::vector<store::Backlog>& found);
  // What the store has room for, as it was just looked at; nothing: not known.
  void set_room(std::optional<std::uint64_t> bytes);
  // One more, or why not. `max_backlog`: the function's own bound, instead of the one for any function.
  std::optional<ApiFailure> admit(const model::FunctionId& function, std::uint64_t input_bytes,
                                  std::optional<std::uint32_t> max_backlog = std::nullopt);
  // One more, whatever the limits say: it was accepted before.
  void add(const model::FunctionId& function, std::uint64_t executions, std::uint64_t input_bytes);
  // One has ended. What others have accepted, or is redriven, may end before it is added.
  void remove(const model::FunctionId& function, std::uint64_t input_bytes);

  std::uint64_t executions() const { return executions_; }
  std::uint64_t input_bytes() const { return input_bytes_; }

 private:
  // Of one function; less than nothing while some that have ended are not added yet.
  struct Open {
    std::int64_t executions = 0;
    std::int64_t input_bytes = 0;

    bool operator==(const Open&) const = default;
  };

  void change(const model::FunctionId& function, std::int64_t executions, std::int64_t input_bytes);

  const BacklogLimits limits_;
  std::uint64_t executions_ = 0;  // of all functions, each nothing at least
  std::uint64_t input_bytes_ = 0;
  std::optional<std::uint64_t> room_bytes_;  // less what has been admitted since it was looked at
  std::unordered_map<model::FunctionId, Open> of_;
};

}  // namespace hearth::gateway
