#include "store/environment_text.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace hearth::store {

std::string environment_to_text(const std::map<std::string, std::string>& environment) {
  boost::json::object object;
  for (const auto& [name, value] : environment) {
    object.emplace(name, value);
  }
  return boost::json::serialize(object);
}

base::Result<std::map<std::string, std::string>> environment_from_text(std::string_view text) {
  const base::Error damaged{base::ErrorCode::kCorrupt,
                            "the environment of a version is damaged in the database"};
  boost::json::parse_options options;
  options.allow_invalid_utf8 = true;  // a value may hold any bytes
  boost::system::error_code failure;
  const auto parsed = boost::json::parse({text.data(), text.size()}, failure, {}, options);
  if (failure || !parsed.is_object()) {
    return damaged;
  }
  std::map<std::string, std::string> environment;
  for (const auto& entry : parsed.get_object()) {
    if (!entry.value().is_string()) {
      return damaged;
    }
    environment.emplace(std::string(entry.key()), std::string(entry.value().get_string()));
  }
  return environment;
}

}  // namespace hearth::store
