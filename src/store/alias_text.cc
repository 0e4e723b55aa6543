#include "store/alias_text.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <optional>
#include <string>

namespace hearth::store {
namespace {

namespace json = boost::json;

std::optional<std::uint32_t> whole(const json::value& value) {
  boost::system::error_code failure;
  const auto number = value.to_number<std::uint32_t>(failure);
  return failure ? std::nullopt : std::optional(number);
}

std::optional<model::Alias> alias_of(std::string_view name, const json::value& value) {
  const auto* const fields = value.if_array();
  if (fields == nullptr || fields->size() != 4 || !fields->at(3).is_int64()) {
    return std::nullopt;
  }
  const auto version = whole(fields->at(0));
  const auto canary = whole(fields->at(1));
  const auto per_mille = whole(fields->at(2));
  if (!version || canary.has_value() != per_mille.has_value()) {
    return std::nullopt;
  }
  model::Alias alias{std::string(name), *version, std::nullopt, fields->at(3).get_int64()};
  if (canary) {
    alias.canary = model::Canary{*canary, *per_mille};
  }
  return alias;
}

}  // namespace

base::Result<model::Aliases> aliases_from_text(std::string_view text) {
  if (text == "{}") {
    return model::Aliases();
  }
  const base::Error damaged{base::ErrorCode::kCorrupt, "its aliases are damaged in the database"};
  boost::system::error_code failure;
  const auto parsed = json::parse({text.data(), text.size()}, failure);
  if (failure || !parsed.is_object()) {
    return damaged;
  }
  model::Aliases aliases;
  for (const auto& entry : parsed.get_object()) {
    auto alias = alias_of({entry.key().data(), entry.key().size()}, entry.value());
    if (!alias) {
      return damaged;
    }
    aliases.emplace(alias->name, std::move(*alias));
  }
  return aliases;
}

base::Error no_such_version(std::uint32_t number) {
  return {base::ErrorCode::kNotFound, "it has no version " + std::to_string(number)};
}

base::Error no_such_alias(std::string_view name) {
  return {base::ErrorCode::kNotFound, "it has no alias \"" + std::string(name) + "\""};
}

base::Error too_many_aliases() {
  return {base::ErrorCode::kExhausted,
          "a function has at most " + std::to_string(model::kAliasesPerFunction) + " aliases"};
}

}  // namespace hearth::store
