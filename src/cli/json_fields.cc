#include "cli/json_fields.h"

#include <boost/json/parse.hpp>

namespace hearth::cli {

namespace json = boost::json;

base::Error unreadable(std::string_view what) {
  return {base::ErrorCode::kCorrupt, "the server's answer is not " + std::string(what)};
}

std::string text(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

double number(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  json::error_code failed;
  const double result = value == nullptr ? 0 : value->to_number<double>(failed);
  return failed ? 0 : result;
}

std::uint64_t count(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  json::error_code failed;
  const auto result = value == nullptr ? 0 : value->to_number<std::uint64_t>(failed);
  return failed ? 0 : result;
}

bool flag(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

const json::object* member_object(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_object();
}

const json::array* member_array(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_array();
}

json::value parse(std::string_view text) {
  json::error_code failed;
  json::value value = json::parse(text, failed);
  return failed ? json::value() : value;
}

}  // namespace hearth::cli
