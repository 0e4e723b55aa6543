#include "gateway/rollback.h"

#include <boost/json/parse.hpp>
#include <limits>

namespace hearth::gateway {

base::Result<std::uint32_t> parse_rollback(std::string_view body) {
  using base::Error;
  using base::ErrorCode;
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return 0U;
  }
  boost::system::error_code error;
  const auto value = boost::json::parse(body, error);
  if (error) {
    return Error{ErrorCode::kCorrupt, "the body is not JSON: " + error.message()};
  }
  const auto* const fields = value.if_object();
  if (fields == nullptr) {
    return Error{ErrorCode::kInvalidArgument, "the body is an object: {\"version\": NUMBER}"};
  }
  const auto* const version = fields->if_contains("version");
  if (version == nullptr) {
    return 0U;
  }
  const auto* const number = version->if_int64();
  if (number == nullptr || *number < 1 || *number > std::numeric_limits<std::uint32_t>::max()) {
    return Error{ErrorCode::kInvalidArgument, "\"version\" is the number of a past version, from 1"};
  }
  return static_cast<std::uint32_t>(*number);
}

}  // namespace hearth::gateway
