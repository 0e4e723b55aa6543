#include "gateway/alias_settings.h"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <cmath>
#include <optional>

#include "base/words.h"
#include "gateway/body_fields.h"

namespace hearth::gateway {
namespace {

namespace json = boost::json;
using base::Error;
using base::ErrorCode;

Error wrong(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

Error wrong_name(std::string_view name) {
  return wrong(
      fmt::format("\"{}\" is no name of an alias: 1 to {} letters, digits, '-' and '_', a letter first", name,
                  model::kAliasNameBytes));
}

// 0.125 is 125 per mille; nothing for what is none, or has more decimals.
std::optional<std::uint32_t> weight_in(const json::object& fields) {
  const auto* const value = fields.if_contains("weight");
  const auto* const weight = value == nullptr ? nullptr : value->if_double();
  if (weight == nullptr || !(*weight > 0 && *weight < 1)) {
    return std::nullopt;
  }
  const double exact = *weight * model::kShares;
  const double whole = std::round(exact);
  if (std::abs(exact - whole) > 1e-6 || whole < 1 || whole > model::kShares - 1) {
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(whole);
}

}  // namespace

base::Result<model::Alias> parse_alias(std::string_view name, std::string_view body) {
  if (!model::is_alias_name(name)) {
    return wrong_name(name);
  }
  const auto fields = object_of(body, "{\"version\": NUMBER}");
  if (!fields) {
    return fields.error();
  }
  const auto version = version_in(*fields);
  if (!version) {
    return wrong("\"version\" is the number of a version, from 1");
  }
  model::Alias alias{std::string(name), *version, std::nullopt, 0};
  const auto* const canary = fields->if_contains("canary");
  if (canary == nullptr || canary->is_null()) {
    return alias;
  }
  const auto* const second = canary->if_object();
  const auto number = second == nullptr ? std::nullopt : version_in(*second);
  const auto weight = second == nullptr ? std::nullopt : weight_in(*second);
  if (!number || !weight) {
    return wrong(
        "\"canary\" is {\"version\": NUMBER, \"weight\": SHARE}, the share over 0 and under 1, with three "
        "decimals at most");
  }
  if (*number == *version) {
    return wrong("the canary is another version than the alias's own");
  }
  alias.canary = model::Canary{*number, *weight};
  return alias;
}

base::Result<std::string> parse_publication(std::string_view body) {
  if (base::is_blank(body)) {
    return std::string();
  }
  const auto fields = object_of(body, "{\"alias\": NAME}");
  if (!fields) {
    return fields.error();
  }
  const auto* const alias = fields->if_contains("alias");
  if (alias == nullptr) {
    return std::string();
  }
  if (!alias->is_string()) {
    return wrong("\"alias\" is the name of an alias");
  }
  std::string name(alias->get_string());
  return model::is_alias_name(name) ? base::Result<std::string>(std::move(name)) : wrong_name(name);
}

}  // namespace hearth::gateway
