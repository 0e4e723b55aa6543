// Under which keys Hearth keeps what in Redis.
#pragma once

#include <string>
#include <string_view>

namespace hearth::messaging {

inline constexpr std::string_view kEpochKey = "hearth:epoch";
inline constexpr std::string_view kColdKey = "hearth:cold";        // list
inline constexpr std::string_view kWarmKeys = "hearth:warm:";      // and a version: list
inline constexpr std::string_view kMembersKey = "hearth:members";  // set of ids
inline constexpr std::string_view kMemberKeys = "hearth:member:";  // and an id: its card

inline std::string key_of(std::string_view keys, std::string_view name) {
  return std::string(keys).append(name);
}

}  // namespace hearth::messaging
