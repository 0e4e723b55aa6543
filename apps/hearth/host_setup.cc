#include "apps/hearth/host_setup.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "base/unique_fd.h"
#include "base/units.h"

namespace hearth {
namespace {

using base::Error;
using base::ErrorCode;

constexpr rlim_t kDescriptors = 65'536;

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

void make_room_for_descriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit more{std::max(limit.rlim_max, kDescriptors), std::max(limit.rlim_max, kDescriptors)};
  if (::setrlimit(RLIMIT_NOFILE, &more) != 0) {  // not everybody may have more, root included
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const auto last = static_cast<int>(std::min(limit.rlim_cur, kDescriptors)) - 1;
  const base::UniqueFd made(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, last));
}

}  // namespace hearth
