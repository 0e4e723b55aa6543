// The small JSON objects that callers send to change something. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace hearth::gateway {

bool is_blank(std::string_view body);

// kCorrupt: it is not JSON; kInvalidArgument: not an object, such as `example`.
base::Result<boost::json::object> object_of(std::string_view body, std::string_view example);

// The number of a version, from 1, in the field "version"; nothing for anything else.
std::optional<std::uint32_t> version_in(const boost::json::object& fields);

}  // namespace hearth::gateway
