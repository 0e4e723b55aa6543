// What a user names as a target: NAME[:key=value[,key=value…]], such as
//   hearth:function=echo,memory=512        node        http:https://…/hello
//   hearth:serve="--threads 1",name=one-thread
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::bench {

enum class TargetKind { kHearth, kHttp, kNode, kNginx, kWorkerd };

enum class FunctionKind { kHello, kEcho, kSleep };
std::string_view to_string(FunctionKind kind);

struct TargetSpec {
  std::string name;  // in every table: what was written before the ':', unless name= says otherwise
  TargetKind kind = TargetKind::kHearth;
  std::string url;                         // of kHttp
  std::optional<FunctionKind> function;    // not given: the run's own
  std::optional<std::uint32_t> sleep_ms;   // of the sleep function
  std::optional<std::uint32_t> memory_mb;  // hearth
  std::optional<std::uint32_t> concurrency;
  std::optional<std::string> serve_flags;  // hearth: start a server of its own with these

  bool operator==(const TargetSpec&) const = default;
};

// kInvalidArgument says what is known.
base::Result<TargetSpec> parse_target(std::string_view text);
// Each of them, and no two of one name.
base::Result<std::vector<TargetSpec>> parse_targets(const std::vector<std::string>& texts);
base::Result<FunctionKind> parse_function_kind(std::string_view text);

// "--a 'b c' --d" as words; both kinds of quotes hold words together.
base::Result<std::vector<std::string>> split_words(std::string_view text);

}  // namespace hearth::bench
