// What a server may leave on the host: looked at before, and again after its end.
#pragma once

#include <set>
#include <string>

namespace hearth::test {

// Whose: all servers' of the machine; or, while others run beside it, those of the one that has its users
// from there (--uid-base): cgroups and processes of these. Without others in its network namespace interfaces
// and firewall tables too.
struct HostScope {
  unsigned uid_base = 200'000;
  bool alone = true;
  bool own_network = true;
};

// Cgroups below "hearth", mounts, network namespaces and interfaces, firewall tables, processes that
// run as an instance's user or are called hearth-launcher: each as a line that names it.
std::set<std::string> host_state(const HostScope& scope = {});

// The lines of `after` that are not in `before`, one a line; empty when nothing is left.
std::string leftovers(const std::set<std::string>& before, const std::set<std::string>& after);

}  // namespace hearth::test
