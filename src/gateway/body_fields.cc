#include "gateway/body_fields.h"

#include <boost/json/parse.hpp>
#include <limits>
#include <string>

namespace hearth::gateway {

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

const boost::json::value* given(const boost::json::object& fields, std::string_view name) {
  const auto* const value = fields.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
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
