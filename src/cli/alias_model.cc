// Aliases as the API tells of them: a part of the API's model.
#include <boost/json.hpp>
#include <optional>

#include "cli/api_model.h"

namespace hearth::cli {
namespace {

namespace json = boost::json;

std::string text(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

void read_weights(const json::object& weights, AliasInfo& info) {
  for (const auto& [version, weight] : weights) {
    json::error_code failed;
    const auto share = weight.to_number<double>(failed);
    const auto number = json::parse(version, failed);
    if (!failed && number.is_int64() && number.get_int64() != static_cast<std::int64_t>(info.version)) {
      info.canary = static_cast<std::uint64_t>(number.get_int64());
      info.weight = share;
    }
  }
}

std::optional<AliasInfo> to_alias(const json::value& value) {
  const auto* const object = value.if_object();
  if (object == nullptr) {
    return std::nullopt;
  }
  AliasInfo info;
  info.name = text(*object, "name");
  info.updated_at = text(*object, "updatedAt");
  const auto* const version = object->if_contains("version");
  json::error_code failed;
  info.version = version == nullptr ? 0 : version->to_number<std::uint64_t>(failed);
  const auto* const weights = object->if_contains("weights");
  if (weights != nullptr && weights->is_object()) {
    read_weights(weights->get_object(), info);
  }
  return failed || info.name.empty() || info.version == 0 ? std::nullopt : std::optional(info);
}

json::value parse(std::string_view body) {
  json::error_code failed;
  json::value value = json::parse(body, failed);
  return failed ? json::value() : value;
}

}  // namespace

base::Result<AliasInfo> parse_alias(std::string_view body) {
  auto alias = to_alias(parse(body));
  if (!alias) {
    return base::Error{base::ErrorCode::kCorrupt, "the server's answer is not an alias"};
  }
  return std::move(*alias);
}

base::Result<std::vector<AliasInfo>> parse_aliases(std::string_view body) {
  const base::Error unreadable{base::ErrorCode::kCorrupt, "the server's answer is not a list of aliases"};
  const json::value value = parse(body);
  const auto* const object = value.if_object();
  const auto* const list = object == nullptr ? nullptr : object->if_contains("aliases");
  if (list == nullptr || !list->is_array()) {
    return unreadable;
  }
  std::vector<AliasInfo> aliases;
  for (const json::value& each : list->get_array()) {
    auto alias = to_alias(each);
    if (!alias) {
      return unreadable;
    }
    aliases.push_back(std::move(*alias));
  }
  return aliases;
}

}  // namespace hearth::cli
