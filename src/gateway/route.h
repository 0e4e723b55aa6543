// The routes of the public API. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace hearth::gateway {

enum class Endpoint {
  kFunctions,     // /functions
  kFunction,      // /functions/{id}
  kCode,          // /functions/{id}/code
  kInvoke,        // /functions/{id}/invoke
  kLogs,          // /functions/{id}/logs
  kVersions,      // /functions/{id}/versions
  kVersion,       // /functions/{id}/versions/{number}
  kRollback,      // /functions/{id}/rollback
  kAliases,       // /functions/{id}/aliases
  kAlias,         // /functions/{id}/aliases/{name}
  kLimits,        // /functions/{id}/limits
  kAsync,         // /functions/{id}/async
  kSchedules,     // /functions/{id}/schedules
  kSchedule,      // /functions/{id}/schedules/{name}
  kAllSchedules,  // /schedules
  kExecutions,    // /executions
  kExecution,     // /executions/{id}
  kRedrive,       // /executions/{id}/redrive
  kRedriveDead,   // /executions/redrive
  kHealth,        // /health
  kMetrics,       // /metrics
  kWorkers,       // /workers
  kDrain,         // /workers/{id}/drain
  kCapacity,      // /capacity
};

struct Route {
  Endpoint endpoint = Endpoint::kFunctions;
  std::string id;  // of a function, an execution or a worker, decoded; empty where the path has none
  std::uint32_t version = 0;  // of kVersion
  std::string name = {};      // of kAlias and kSchedule, decoded

  bool names_function() const {
    return !id.empty() && endpoint != Endpoint::kDrain && endpoint != Endpoint::kExecution &&
           endpoint != Endpoint::kRedrive;
  }

  bool operator==(const Route&) const = default;
};

// Nothing for a path that no route has. A slash at the end is as good as none.
std::optional<Route> find_route(std::string_view path);

// The methods of an endpoint, as the Allow header has them: "GET, HEAD".
std::string_view allowed_methods(Endpoint endpoint);
bool allows(Endpoint endpoint, http::Method method);
// Whether it takes code: a large body, that is kept while it comes.
bool takes_upload(Endpoint endpoint, http::Method method);

// A version's number, from 1; nothing for anything else.
std::optional<std::uint32_t> version_number(std::string_view text);

// The value of `name` in a query string, percent-decoded; nothing when it is absent or malformed.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

}  // namespace hearth::gateway
