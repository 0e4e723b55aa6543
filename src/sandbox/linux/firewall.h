// What packets of a server's sandboxes may do on the host: one nftables table for each server, loaded
// in one transaction before the first start. Used by NatNetwork. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace hearth::sandbox {

// Open connections of one sandbox, so that it cannot fill the host's connection table.
inline constexpr int kConnectionsPerSandbox = 1'000;

struct FirewallPlan {
  std::string table;
  std::string interface_prefix;            // of the host's ends, and of nothing else on the host
  std::string range;                       // of the sandboxes' addresses, as "10.213.0.0/16"
  std::vector<std::string> resolvers;      // IPv4; their port 53 is open even where the address is closed
  std::vector<std::string> routers_by_us;  // interfaces that would not forward if it were not for us
};

// The text for `nft -f -`: replaces a table of that name.
std::string firewall_rules(const FirewallPlan& plan);

// kUnsupported when there is no nft, kIo with what it says.
base::Result<void> load_firewall(const FirewallPlan& plan);
// Does nothing when there is no such table.
base::Result<void> remove_firewall(const std::string& table);

}  // namespace hearth::sandbox
