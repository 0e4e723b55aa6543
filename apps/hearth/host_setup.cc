#include "apps/hearth/host_setup.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "base/units.h"

namespace hearth {
namespace {

using base::Error;
using base::ErrorCode;
namespace fs = std::filesystem;

constexpr int kOldestNode = 18;

fs::path in_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    fs::path candidate = fs::path(folder) / program;
    if (!folder.empty() && ::access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
  }
  return {};
}

// The major version that `node --version` prints, or 0.
int node_major(const std::string& node) {
  const std::string command = "'" + node + "' --version 2>/dev/null";
  const std::unique_ptr<FILE, int (*)(FILE*)> output(::popen(command.c_str(), "re"), ::pclose);
  std::array<char, 64> line{};
  if (!output || std::fgets(line.data(), static_cast<int>(line.size()), output.get()) == nullptr ||
      line[0] != 'v') {
    return 0;
  }
  return std::atoi(line.data() + 1);
}

std::uint64_t cgroup_limit_bytes() {
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream file(path);
    std::uint64_t bytes = 0;
    if (file >> bytes) {
      return bytes;
    }
  }
  return UINT64_MAX;
}

}  // namespace

base::Result<std::string> find_node(const std::string& wanted) {
  std::error_code error;
  const fs::path found = wanted.empty() ? in_path("node") : fs::path(wanted);
  const fs::path node = fs::canonical(found, error);
  if (found.empty() || error) {
    return Error{ErrorCode::kNotFound,
                 wanted.empty() ? "there is no node in PATH: install Node.js 18 or newer, or give --node PATH"
                                : fmt::format("--node {}: there is no such program", wanted)};
  }
  if (node.string().find('\'') != std::string::npos) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("{}: the path holds a quote", node.string())};
  }
  const int major = node_major(node.string());
  if (major < kOldestNode) {
    return Error{
        ErrorCode::kUnsupported,
        fmt::format("{} is {}: Hearth needs Node.js {} or newer (--node PATH)", node.string(),
                    major == 0 ? "no working Node.js" : fmt::format("Node.js {}", major), kOldestNode)};
  }
  return node.string();
}

base::Result<std::string> find_node_shim() {
  std::error_code error;
  const fs::path binary = fs::read_symlink("/proc/self/exe", error);
  const std::array candidates = {binary.parent_path() / "../share/hearth/runtimes/node",
                                 fs::path(HEARTH_SOURCE_RUNTIMES) / "node"};
  for (const fs::path& folder : candidates) {
    if (fs::exists(folder / "shim.js", error)) {
      return fs::canonical(folder).string();
    }
  }
  return Error{
      ErrorCode::kNotFound,
      fmt::format("the node runtime's shim.js is neither in {} nor in {}: the installation is incomplete",
                  candidates[0].lexically_normal().string(), candidates[1].string())};
}

std::uint32_t default_memory_mb() {
  struct sysinfo machine {};
  ::sysinfo(&machine);
  const std::uint64_t bytes =
      std::min<std::uint64_t>(machine.totalram * machine.mem_unit, cgroup_limit_bytes());
  return static_cast<std::uint32_t>(bytes / 10 * 8 / base::kMiB);
}

base::Result<std::vector<std::string>> find_resolvers() {
  constexpr std::size_t kMost = 3;
  std::vector<std::string> found;
  std::ifstream file("/etc/resolv.conf");
  for (std::string line; std::getline(file, line) && found.size() < kMost;) {
    std::istringstream words(line);
    std::string keyword;
    std::string address;
    in_addr parsed{};
    words >> keyword >> address;
    if (keyword == "nameserver" && ::inet_pton(AF_INET, address.c_str(), &parsed) == 1 &&
        !address.starts_with("127.")) {
      found.push_back(address);
    }
  }
  if (found.empty()) {
    return Error{ErrorCode::kNotFound,
                 "/etc/resolv.conf names no IPv4 resolver that instances could reach: give --dns ADDRESS"};
  }
  return found;
}

base::Result<User> find_user(const std::string& wanted) {
  const passwd* entry = ::getpwnam(wanted.empty() ? "hearth" : wanted.c_str());
  if (entry == nullptr && wanted.empty()) {
    entry = ::getpwnam("nobody");
  }
  if (entry == nullptr) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("--user {}: there is no such user", wanted)};
  }
  if (entry->pw_uid == 0) {
    return Error{ErrorCode::kInvalidArgument,
                 "--user names an unprivileged user, not root: only the launcher is root"};
  }
  return User{entry->pw_uid, entry->pw_gid, entry->pw_name};
}

base::Result<User> current_user(const std::string& wanted) {
  const passwd* entry = ::getpwuid(::geteuid());
  const User user{::geteuid(), ::getegid(),
                  entry != nullptr ? std::string(entry->pw_name) : std::to_string(::geteuid())};
  if (!wanted.empty() && wanted != user.name) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("--user {}: only root can become another user than {}", wanted, user.name)};
  }
  return user;
}

base::Result<void> become(const User& user) {
  if (::setgroups(0, nullptr) != 0 || ::setresgid(user.gid, user.gid, user.gid) != 0 ||
      ::setresuid(user.uid, user.uid, user.uid) != 0) {
    return base::io_error(fmt::format("becoming the user {}", user.name), errno);
  }
  return {};
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    if (::geteuid() == 0) {
      limit.rlim_max = std::max<rlim_t>(limit.rlim_max, 65'536);
    }
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

}  // namespace hearth
