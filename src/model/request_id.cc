#include "model/request_id.h"

#include <fmt/format.h>

#include <charconv>

namespace hearth::model {

std::optional<std::uint32_t> depth_of(std::string_view request_id) {
  const std::size_t dot = request_id.find('.');
  if (request_id.empty() || request_id.size() > RequestId::kMaxBytes || dot == 0) {
    return std::nullopt;
  }
  if (dot == std::string_view::npos) {
    return 0;
  }
  const std::string_view digits = request_id.substr(dot + 1);
  std::uint32_t depth = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), depth);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  return whole ? std::optional(depth) : std::nullopt;
}

RequestId with_depth(std::string_view id, std::uint32_t depth) {
  return depth == 0 ? RequestId(id) : RequestId(fmt::format("{}.{}", id, depth));
}

}  // namespace hearth::model
