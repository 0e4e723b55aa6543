// What a server may leave on the host: looked at before, and again after its end.
#pragma once

#include <set>
#include <string>

namespace hearth::test {

// Cgroups below "hearth", mounts, network namespaces and interfaces, firewall tables, processes that
// run as an instance's user or are called hearth-launcher: each as a line that names it.
std::set<std::string> host_state();

// The lines of `after` that are not in `before`, one a line; empty when nothing is left.
std::string leftovers(const std::set<std::string>& before, const std::set<std::string>& after);

}  // namespace hearth::test
