#include "gateway/body_fields.h"

#include <boost/json/parse.hpp>
#include <limits>
#include <string>

namespace hearth::gateway {

bool is_blank(std::string_view body) { return body.find_first_not_of(" \t\r\n") == std::string_view::npos; }

base::Result<boost::json::object> object_of(std::string_view body, std::string_view example) {
  boost::system::error_code error;
  auto value = boost::json::parse(body, error);
  if (error) {
    return base::Error{base::ErrorCode::kCorrupt, "the body is not JSON: " + error.message()};
  }
  auto* const fields = value.if_object();
  if (fields == nullptr) {
    return base::Error{base::ErrorCode::kInvalidArgument, "the body is an object: " + std::string(example)};
  }
  return std::move(*fields);
}

std::optional<std::uint32_t> version_in(const boost::json::object& fields) {
  const auto* const value = fields.if_contains("version");
  const auto* const number = value == nullptr ? nullptr : value->if_int64();
  if (number == nullptr || *number < 1 || *number > std::numeric_limits<std::uint32_t>::max()) {
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(*number);
}

}  // namespace hearth::gateway
