// Where this host mounts its cgroup hierarchies: pure v2, or the older v1 (alone, or with a v2 mount
// beside it that has no controllers but can kill and freeze). Read once at start-up. Pure, but for
// detect_cgroup_layout().
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::sandbox {

struct CgroupLayout {
  bool controllers_on_v2 = false;
  std::string unified;  // mount of the v2 hierarchy; may be empty when the controllers are on v1
  std::string memory;   // mounts of the v1 controllers; empty on pure v2. Two may be the same mount
  std::string cpu;
  std::string pids;

  bool operator==(const CgroupLayout&) const = default;
};

// `mountinfo` is the text of /proc/self/mountinfo (proc(5)). `v2_controllers` is the text of
// cgroup.controllers in the root of the v2 mount, or empty. kUnsupported, naming what is missing.
base::Result<CgroupLayout> parse_cgroup_layout(std::string_view mountinfo, std::string_view v2_controllers);

base::Result<CgroupLayout> detect_cgroup_layout();

}  // namespace hearth::sandbox
