// Fields of the server's answers, read as they come: what is absent or of another type is empty, 0, false or
// null. For api_model.cc and alias_model.cc; the commands see values alone.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::cli {

// kCorrupt: "the server's answer is not `what`".
base::Error unreadable(std::string_view what);

std::string text(const boost::json::object& object, std::string_view name);
double number(const boost::json::object& object, std::string_view name);
std::uint64_t count(const boost::json::object& object, std::string_view name);
bool flag(const boost::json::object& object, std::string_view name);
const boost::json::object* member_object(const boost::json::object& object, std::string_view name);
const boost::json::array* member_array(const boost::json::object& object, std::string_view name);

// Null for what is not JSON.
boost::json::value parse(std::string_view text);

}  // namespace hearth::cli
