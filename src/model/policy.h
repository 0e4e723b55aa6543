// What is said of a function beside its versions, and changed without a new one: how many of its calls run at
// once, and what becomes of its asynchronous executions. Pure values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "model/alias.h"

namespace hearth::model {

// All versions of the function together.
struct Concurrency {
  std::optional<std::uint32_t> maximum;  // calls at once; nothing: as many as there is capacity for
  std::uint32_t reserved = 0;            // for so many at once the capacity is kept from other functions
  std::uint32_t provisioned = 0;         // instances of the current version that are kept started

  bool operator==(const Concurrency&) const = default;
};

// Where the end of an asynchronous execution is told. One of the two.
struct Destination {
  std::string function;  // id or name, of one that need not exist yet; is executed asynchronously
  std::string url;       // a webhook, http or https
  std::string secret;    // that its messages are signed with; empty: they are not

  bool operator==(const Destination&) const = default;
};

struct AsyncPolicy {
  std::optional<std::uint32_t> retries;      // nothing: --async-retries
  std::optional<std::uint32_t> max_age_s;    // nothing: --async-max-age
  std::optional<std::uint32_t> max_backlog;  // that have not ended; nothing: --async-function-backlog
  std::optional<Destination> on_success;     // when one is done
  std::optional<Destination> on_failure;     // when one is dead

  bool operator==(const AsyncPolicy&) const = default;
};

struct RemovedAlias {
  std::string name;

  bool operator==(const RemovedAlias&) const = default;
};

// What can be changed without a new version. An alias is made, or points elsewhere.
using FunctionChange = std::variant<Alias, RemovedAlias, Concurrency, AsyncPolicy>;

}  // namespace hearth::model
