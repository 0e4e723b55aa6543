#include "gateway/route.h"

#include <array>
#include <charconv>
#include <utility>

namespace hearth::gateway {
namespace {

constexpr std::array kOfFunction = {
    std::pair("", Endpoint::kFunction),         std::pair("invoke", Endpoint::kInvoke),
    std::pair("code", Endpoint::kCode),         std::pair("logs", Endpoint::kLogs),
    std::pair("versions", Endpoint::kVersions), std::pair("rollback", Endpoint::kRollback),
    std::pair("aliases", Endpoint::kAliases),   std::pair("limits", Endpoint::kLimits),
    std::pair("async", Endpoint::kAsync),       std::pair("schedules", Endpoint::kSchedules)};

// With a name behind.
constexpr std::array kNamed = {std::pair("aliases/", Endpoint::kAlias),
                               std::pair("schedules/", Endpoint::kSchedule)};

// Without the function.
std::optional<Route> function_route(std::string_view rest) {
  for (const auto& [word, endpoint] : kOfFunction) {
    if (rest == word) {
      return Route{endpoint, {}, 0};
    }
  }
  constexpr std::string_view kVersions = "versions/";
  if (rest.starts_with(kVersions)) {
    if (const auto number = version_number(rest.substr(kVersions.size()))) {
      return Route{Endpoint::kVersion, {}, *number};
    }
  }
  for (const auto& [word, endpoint] : kNamed) {
    const std::string_view prefix = word;
    if (rest.starts_with(prefix) && rest.find('/', prefix.size()) == std::string_view::npos) {
      auto name = http::percent_decode(rest.substr(prefix.size()));
      if (name && !name->empty()) {
        return Route{endpoint, {}, 0, std::move(*name)};
      }
    }
  }
  return std::nullopt;
}

constexpr std::array kPlain = {
    std::pair("/functions", Endpoint::kFunctions),   std::pair("/health", Endpoint::kHealth),
    std::pair("/metrics", Endpoint::kMetrics),       std::pair("/workers", Endpoint::kWorkers),
    std::pair("/capacity", Endpoint::kCapacity),     std::pair("/executions", Endpoint::kExecutions),
    std::pair("/schedules", Endpoint::kAllSchedules)};

std::optional<Route> execution_route(std::string_view rest) {
  constexpr std::string_view kRedrive = "/redrive";
  if (rest == kRedrive.substr(1)) {
    return Route{Endpoint::kRedriveDead, {}, 0};
  }
  const bool redrives = rest.ends_with(kRedrive);
  rest.remove_suffix(redrives ? kRedrive.size() : 0);
  auto id = http::percent_decode(rest);
  if (!id || id->empty() || rest.find('/') != std::string_view::npos) {
    return std::nullopt;
  }
  return Route{redrives ? Endpoint::kRedrive : Endpoint::kExecution, std::move(*id), 0};
}

std::optional<Route> worker_route(std::string_view rest) {
  constexpr std::string_view kDrain = "/drain";
  if (!rest.ends_with(kDrain)) {
    return std::nullopt;
  }
  rest.remove_suffix(kDrain.size());
  auto id = http::percent_decode(rest);
  if (!id || id->empty() || rest.find('/') != std::string_view::npos) {
    return std::nullopt;
  }
  return Route{Endpoint::kDrain, std::move(*id), 0};
}

}  // namespace

std::optional<Route> find_route(std::string_view path) {
  if (path.size() > 1 && path.ends_with('/')) {
    path.remove_suffix(1);
  }
  constexpr std::string_view kPrefix = "/functions/";
  if (!path.starts_with(kPrefix)) {
    for (const auto& [plain, endpoint] : kPlain) {
      if (path == plain) {
        return Route{endpoint, {}, 0};
      }
    }
    constexpr std::string_view kExecutions = "/executions/";
    if (path.starts_with(kExecutions)) {
      return execution_route(path.substr(kExecutions.size()));
    }
    constexpr std::string_view kWorkers = "/workers/";
    return path.starts_with(kWorkers) ? worker_route(path.substr(kWorkers.size())) : std::nullopt;
  }
  path.remove_prefix(kPrefix.size());
  const std::size_t slash = path.find('/');
  auto id = http::percent_decode(path.substr(0, slash));
  auto route = function_route(slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1));
  if (!id || id->empty() || !route) {
    return std::nullopt;
  }
  route->id = std::move(*id);
  return route;
}

std::optional<std::uint32_t> version_number(std::string_view text) {
  std::uint32_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
  return whole && number > 0 ? std::optional(number) : std::nullopt;
}

std::string_view allowed_methods(Endpoint endpoint) {
  switch (endpoint) {
    case Endpoint::kFunctions:
    case Endpoint::kVersions:
      return "GET, HEAD, POST";
    case Endpoint::kAlias:
    case Endpoint::kLimits:
    case Endpoint::kAsync:
    case Endpoint::kSchedule:
      return "GET, HEAD, PUT, DELETE";
    case Endpoint::kFunction:
      return "GET, HEAD, PATCH, DELETE";
    case Endpoint::kCode:
      return "PUT";
    case Endpoint::kInvoke:
    case Endpoint::kDrain:
    case Endpoint::kRollback:
    case Endpoint::kRedrive:
    case Endpoint::kRedriveDead:
      return "POST";
    case Endpoint::kExecution:
      return "GET, HEAD, DELETE";
    case Endpoint::kLogs:
    case Endpoint::kAliases:
    case Endpoint::kSchedules:
    case Endpoint::kAllSchedules:
    case Endpoint::kVersion:
    case Endpoint::kHealth:
    case Endpoint::kMetrics:
    case Endpoint::kWorkers:
    case Endpoint::kCapacity:
    case Endpoint::kExecutions:
      return "GET, HEAD";
  }
  return "";
}

bool allows(Endpoint endpoint, http::Method method) {
  const std::string_view methods = allowed_methods(endpoint);
  return method != http::Method::kOther && methods.find(http::to_string(method)) != std::string_view::npos;
}

bool takes_upload(Endpoint endpoint, http::Method method) {
  switch (endpoint) {
    case Endpoint::kFunctions:
    case Endpoint::kFunction:
    case Endpoint::kCode:
      return method == http::Method::kPost || method == http::Method::kPut || method == http::Method::kPatch;
    default:
      return false;
  }
}

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
    const std::size_t equals = pair.find('=');
    if (pair.substr(0, equals) == name) {
      return http::percent_decode(equals == std::string_view::npos ? std::string_view{}
                                                                   : pair.substr(equals + 1));
    }
  }
  return std::nullopt;
}

}  // namespace hearth::gateway
