// What the Linux adapter is told when it is made: who it is, what the inside sees, which uids it owns.
// Filled by main from the server's flags. Plain values.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hearth::sandbox {

// none: the sandbox has a loopback interface of its own and nothing else. nat: and one that leads to
// public addresses of the internet, under the host's address (nat_network.h).
enum class NetworkMode { kNone, kNat };

struct NatOptions {
  // The sandboxes' addresses: 65,536 that neither the host nor another server on it uses, as
  // "A.B.0.0/16". They are seen by nobody but the host, and take two for each uid.
  std::string range = "10.213.0.0/16";
  // IPv4 addresses, 1 to kMaxResolvers, none of them loopback: what the inside's /etc/resolv.conf lists.
  // Their port 53 is open even where the rest of the address is closed.
  std::vector<std::string> resolvers;
};
// As many as the C library reads (resolv.conf(5)).
inline constexpr std::size_t kMaxResolvers = 3;

// A file or folder of the host that the inside sees, read-only, at `inside`.
struct VisiblePath {
  std::string host;
  std::string inside;
};

// Shared objects that a program of the host's loads by itself. The folder is within one of the visible paths.
struct Extensions {
  std::string program;
  std::string folder;
};

struct ZygoteLimits {
  int most_forks = 100;
  std::chrono::milliseconds longest_use{60'000};  // since its first fork
  std::chrono::milliseconds boot{10'000};
  // Before another attempt, when one ended by itself or did not boot; twice as long after each that did not
  // boot.
  std::chrono::milliseconds first_pause{1'000};
  std::chrono::milliseconds longest_pause{60'000};
};

// A runtime that is kept booted, to be forked into a sandbox when one of exactly this program is started with
// its code (zygote.h). The module "hearth_zygote" is for it to load, when its descriptor 3 is a socket.
struct ZygoteProgram {
  std::string program;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  ZygoteLimits limits;
};

struct LinuxOptions {
  // Identity of this server, [a-z0-9-]{1,63}: the same after a restart, so that sweep() finds what a
  // killed predecessor left; different for two servers on one host.
  std::string tag;
  // Cgroups are <mount of the hierarchy>/<cgroup_parent>/<tag>/<uid>.
  std::string cgroup_parent = "hearth";
  // Host programs to run inside, by absolute path; each brings its loader and shared libraries and
  // keeps its path.
  std::vector<std::string> programs;
  // The inside sees the libraries that they need.
  std::vector<Extensions> extensions;
  // Anything else the inside needs: shims, a runtime's own library folder.
  std::vector<VisiblePath> paths;
  std::vector<ZygoteProgram> zygotes;
  // One uid (and the gid of the same number) per living sandbox, never shared by two.
  uid_t uid_base = 200'000;
  std::uint32_t uid_count = 10'000;
  NetworkMode network = NetworkMode::kNone;
  NatOptions nat;  // for NetworkMode::kNat
  // A process that has not reached its program by then hangs on something (a file system, a debugger, a
  // frozen cgroup) and is killed.
  int start_timeout_ms = 10'000;
  // The root is composed at <run_folder>/<tag>, inside the server's private mount namespace.
  std::string run_folder = "/run/hearth";
};

}  // namespace hearth::sandbox
