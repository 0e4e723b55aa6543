// The small JSON objects that callers send to change something. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace hearth::gateway {

// kCorrupt: it is not JSON; kInvalidArgument: not an object, such as `example`.
base::Result<boost::json::object> object_of(std::string_view body, std::string_view example);

// A field that is absent, or null, was not given.
const boost::json::value* given(const boost::json::object& fields, std::string_view name);

// The number of a version, from 1, in the field "version"; nothing for anything else.
std::optional<std::uint32_t> version_in(const boost::json::object& fields);

}  // namespace hearth::gateway
