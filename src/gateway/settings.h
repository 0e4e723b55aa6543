// What a caller may say of a function, and the one validator for it: the same on create and update.
// Pure.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "model/function.h"
#include "model/limits.h"

namespace hearth::gateway {

// Fields that were given; the others keep their default, or what the function has.
struct Settings {
  std::optional<std::string> name;
  std::optional<std::string> display_name;
  std::optional<std::string> runtime;
  std::optional<std::string> handler;
  std::optional<std::uint32_t> memory_mb;
  std::optional<std::uint32_t> timeout_ms;
  std::optional<std::uint32_t> concurrency;
  std::optional<std::map<std::string, std::string>> environment;

  bool operator==(const Settings&) const = default;
};

// From the API's JSON object ("memorySize", "displayName" …). Unknown fields are ignored, as clients
// of the original prototype may send some. kInvalidArgument names the field, what is wrong with it
// and the bound.
base::Result<Settings> parse_settings(const boost::json::object& fields, const model::FunctionLimits& limits);

// Puts what was given over `version`.
void apply(const Settings& settings, model::Version& version);

}  // namespace hearth::gateway
