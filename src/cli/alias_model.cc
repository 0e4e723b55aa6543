// Aliases as the API tells of them: a part of the API's model.
#include <boost/json.hpp>
#include <optional>

#include "cli/api_model.h"
#include "cli/json_fields.h"

namespace hearth::cli {
namespace {

namespace json = boost::json;

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
  info.version = count(*object, "version");
  if (const auto* const weights = member_object(*object, "weights")) {
    read_weights(*weights, info);
  }
  return info.name.empty() || info.version == 0 ? std::nullopt : std::optional(info);
}

}  // namespace

base::Result<AliasInfo> parse_alias(std::string_view body) {
  auto alias = to_alias(parse(body));
  return alias ? base::Result<AliasInfo>(std::move(*alias)) : unreadable("an alias");
}

base::Result<std::vector<AliasInfo>> parse_aliases(std::string_view body) {
  const json::value value = parse(body);
  const auto* const object = value.if_object();
  const auto* const list = object == nullptr ? nullptr : member_array(*object, "aliases");
  if (list == nullptr) {
    return unreadable("a list of aliases");
  }
  std::vector<AliasInfo> aliases;
  for (const json::value& each : *list) {
    auto alias = to_alias(each);
    if (!alias) {
      return unreadable("a list of aliases");
    }
    aliases.push_back(std::move(*alias));
  }
  return aliases;
}

}  // namespace hearth::cli
