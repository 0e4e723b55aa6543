// What `deploy` sends beside the code. Pure, but for reading an --env-file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::cli {

// Only what was given on the command line: a redeploy leaves the rest as it is.
struct DeploySettings {
  std::optional<std::uint32_t> memory_mb;
  std::optional<std::int64_t> timeout_ms;
  std::optional<std::uint32_t> concurrency;
  std::optional<std::string> handler;
  std::optional<std::string> runtime;
  std::optional<std::map<std::string, std::string>> environment;
};

// "NAME=VALUE" into `environment`; the last of a name wins. kInvalidArgument without a name.
base::Result<void> add_variable(std::string_view text, std::map<std::string, std::string>& environment);

// Lines of NAME=VALUE; blank lines and those that begin with '#' are skipped, "export " before a name
// too, and quotes around a value are taken off. The message names the line.
base::Result<void> add_variables(std::string_view file_text, std::map<std::string, std::string>& environment);
base::Result<void> add_variable_file(const std::string& path,
                                     std::map<std::string, std::string>& environment);

// The request's JSON up to where the base64 of the zip goes; `"}` ends it. `name`: of a new function.
std::string json_before_zip(const DeploySettings& settings, const std::optional<std::string>& name);

}  // namespace hearth::cli
