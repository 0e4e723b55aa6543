// The adapters that the conformance suite runs over, and what a test may ask about their leftovers.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "sandbox/linux/options.h"
#include "sandbox/sandbox.h"

namespace hearth::sandbox::testing {

using BackendResult = base::Result<std::unique_ptr<Backend>>;

struct Adapter {
  std::string name;
  std::function<BackendResult(const std::string& tag)> make;
};

inline std::ostream& operator<<(std::ostream& out, const Adapter& adapter) { return out << adapter.name; }

std::vector<Adapter> adapters();

// A tag that no other run of the tests uses.
std::string unique_tag();

// The options of the Linux adapter with the probe in its root. Enters a mount namespace of our own the
// first time.
LinuxOptions linux_options(const std::string& tag);

// Of probes that are forked (Driver): an option of the Linux adapter.
ZygoteProgram probe_zygote();

// What must be the same after a sandbox as before it.
struct Footprint {
  std::size_t descriptors = 0;
  std::size_t mounts = 0;
  std::vector<std::string> cgroups;  // sandboxes' folders of this tag, in every hierarchy
  int processes = 0;                 // probes of this test program

  bool operator==(const Footprint&) const = default;
};
Footprint footprint(const std::string& tag);
std::ostream& operator<<(std::ostream& out, const Footprint& footprint);

}  // namespace hearth::sandbox::testing
