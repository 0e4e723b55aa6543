// What becomes of a function's asynchronous executions, read and written.
#include <boost/json.hpp>

#include "cli/api_model.h"
#include "cli/json_fields.h"

namespace hearth::cli {
namespace {

namespace json = boost::json;

std::optional<std::uint64_t> to_number(const json::object& object, std::string_view name) {
  const auto* const value = object.if_contains(name);
  return value == nullptr || !value->is_number() ? std::nullopt : std::optional(count(object, name));
}

std::optional<DestinationInfo> to_destination(const json::object& object, std::string_view name) {
  const auto* const fields = member_object(object, name);
  if (fields == nullptr) {
    return std::nullopt;
  }
  return DestinationInfo{text(*fields, "function"), text(*fields, "url"), flag(*fields, "signed"), ""};
}

json::value to_json(const std::optional<std::uint64_t>& number) {
  return number ? json::value(*number) : json::value();
}

json::value to_json(const std::optional<DestinationInfo>& destination) {
  if (!destination) {
    return {};
  }
  if (destination->url.empty()) {
    return {{"function", destination->function}};
  }
  json::object object{{"url", destination->url}};
  if (!destination->secret.empty()) {
    object["secret"] = destination->secret;
  }
  return object;
}

}  // namespace

base::Result<AsyncInfo> parse_async(std::string_view body) {
  const json::value value = parse(body);
  const auto* const object = value.if_object();
  if (object == nullptr) {
    return unreadable("what becomes of asynchronous executions");
  }
  return AsyncInfo{to_number(*object, "retries"), to_number(*object, "maxAge"),
                   to_number(*object, "maxBacklog"), to_destination(*object, "onSuccess"),
                   to_destination(*object, "onFailure")};
}

std::string async_body(const AsyncInfo& info) {
  json::object object;
  object["retries"] = to_json(info.retries);
  object["maxAge"] = to_json(info.max_age_s);
  object["maxBacklog"] = to_json(info.max_backlog);
  object["onSuccess"] = to_json(info.on_success);
  object["onFailure"] = to_json(info.on_failure);
  return json::serialize(object);
}

}  // namespace hearth::cli
