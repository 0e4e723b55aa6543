#include "cli/deploy_settings.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <fstream>
#include <iterator>

namespace hearth::cli {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  return begin == std::string_view::npos ? "" : text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// NAME="some value" and NAME='some value', as dotenv files have them.
std::string unquoted(std::string_view line) {
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos) {
    return std::string(line);
  }
  std::string_view value = trimmed(line.substr(equals + 1));
  if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front()) {
    value = value.substr(1, value.size() - 2);
  }
  return std::string(trimmed(line.substr(0, equals))) + '=' + std::string(value);
}

}  // namespace

base::Result<void> add_variable(std::string_view text, std::map<std::string, std::string>& environment) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return base::Error{base::ErrorCode::kInvalidArgument, fmt::format("'{}' is not NAME=VALUE", text)};
  }
  environment[std::string(text.substr(0, equals))] = text.substr(equals + 1);
  return {};
}

base::Result<void> add_variables(std::string_view file_text,
                                 std::map<std::string, std::string>& environment) {
  constexpr std::string_view kExport = "export ";
  std::size_t number = 1;
  for (std::size_t at = 0; at < file_text.size(); ++number) {
    const std::size_t end = std::min(file_text.find('\n', at), file_text.size());
    std::string_view line = trimmed(file_text.substr(at, end - at));
    at = end + 1;
    if (line.empty() || line.front() == '#') {
      continue;
    }
    if (line.substr(0, kExport.size()) == kExport) {
      line.remove_prefix(kExport.size());
    }
    if (auto added = add_variable(unquoted(line), environment); !added) {
      return base::Error{added.error().code, fmt::format("line {}: {}", number, added.error().message)};
    }
  }
  return {};
}

base::Result<void> add_variable_file(const std::string& path,
                                     std::map<std::string, std::string>& environment) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) {
    return base::Error{base::ErrorCode::kNotFound,
                       fmt::format("--env-file: the file '{}' cannot be read", path)};
  }
  auto added = add_variables(text, environment);
  return added ? added : base::Error{added.error().code, fmt::format("{}: {}", path, added.error().message)};
}

std::string json_before_zip(const DeploySettings& settings, const std::optional<std::string>& name) {
  boost::json::object object;
  if (name) {
    object["name"] = *name;
    object["displayName"] = *name;
  }
  if (settings.memory_mb) {
    object["memorySize"] = *settings.memory_mb;
  }
  if (settings.timeout_ms) {
    object["timeout"] = *settings.timeout_ms;
  }
  if (settings.concurrency) {
    object["concurrency"] = *settings.concurrency;
  }
  if (settings.handler) {
    object["handler"] = *settings.handler;
  }
  if (settings.runtime) {
    object["runtime"] = *settings.runtime;
  }
  if (settings.environment) {
    auto& environment = object["environment"].emplace_object();
    for (const auto& [key, value] : *settings.environment) {
      environment[key] = value;
    }
  }
  std::string text = boost::json::serialize(object);
  text.pop_back();  // the closing brace
  return text + (object.empty() ? "" : ",") + "\"zipFile\":\"";
}

}  // namespace hearth::cli
