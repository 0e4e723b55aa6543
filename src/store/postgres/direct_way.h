// The way to a PostgreSQL that nobody stands in: then a refusal at its address is its own.
//
// A proxy, a tunnel or a translated address would refuse this server alone and let others through. One thread
// at a time; what waits is bounded.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/result.h"
#include "store/postgres/connection.h"

namespace hearth::store::postgres {

struct DirectWay {
  std::string host;  // a name or an address, as the URL has it
  std::string port;
  std::string address;  // that the host had when it was looked at

  bool operator==(const DirectWay&) const = default;
};

// The way that `connection` goes, if both ends see the same two addresses and ports and the URL names one
// host.
base::Result<std::optional<DirectWay>> find_direct_way(Connection& connection);

// Whether PostgreSQL serves nobody there: nothing listens, or it says that it starts, recovers or shuts down.
// Of a name with several addresses each must say so, the known one among them.
bool refuses_everybody(const DirectWay& way, std::chrono::milliseconds timeout);

}  // namespace hearth::store::postgres
