// What the Linux adapter is told when it is made: who it is, what the inside sees, which uids it owns.
// Filled by main from the server's flags. Plain values.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace hearth::sandbox {

// none: the sandbox has a loopback interface of its own and nothing else.
enum class NetworkMode { kNone };

// A file or folder of the host that the inside sees, read-only, at `inside`.
struct VisiblePath {
  std::string host;
  std::string inside;
};

struct LinuxOptions {
  // Identity of this server, [a-z0-9-]{1,63}: the same after a restart, so that sweep() finds what a
  // killed predecessor left; different for two servers on one host.
  std::string tag;
  // Cgroups are <mount of the hierarchy>/<cgroup_parent>/<tag>/<sandbox name>.
  std::string cgroup_parent = "hearth";
  // Host programs to run inside, by absolute path; each brings its loader and shared libraries and
  // keeps its path.
  std::vector<std::string> programs;
  // Anything else the inside needs: shims, a runtime's own library folder.
  std::vector<VisiblePath> paths;
  // One uid (and the gid of the same number) per living sandbox, never shared by two.
  uid_t uid_base = 200'000;
  std::uint32_t uid_count = 10'000;
  NetworkMode network = NetworkMode::kNone;
  // The root is composed at <run_folder>/<tag>, inside the server's private mount namespace.
  std::string run_folder = "/run/hearth";
};

}  // namespace hearth::sandbox
