#include "sandbox/linux/cgroup_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <memory>
#include <sstream>

namespace hearth::sandbox {
namespace {

constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
constexpr mode_t kFolderMode = 0755;

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

base::Result<CgroupFolder> CgroupFolder::mount_root(const std::string& path) {
  base::UniqueFd fd(::open(path.c_str(), kFolderFlags));
  if (!fd.valid()) {
    return base::io_error("cannot open cgroup hierarchy " + path, errno);
  }
  return CgroupFolder(-1, path, std::move(fd));
}

base::Result<CgroupFolder> CgroupFolder::child(const std::string& name) const {
  if (::mkdirat(fd_.get(), name.c_str(), kFolderMode) != 0 && errno != EEXIST) {
    return base::io_error("cannot make cgroup " + name + " in " + name_, errno);
  }
  return open_child(name);
}

base::Result<CgroupFolder> CgroupFolder::new_child(const std::string& name) const {
  if (::mkdirat(fd_.get(), name.c_str(), kFolderMode) != 0) {
    auto error = base::io_error("cannot make cgroup " + name + " in " + name_, errno);
    if (errno == EEXIST) {
      error.code = base::ErrorCode::kAlreadyExists;
    }
    return error;
  }
  return open_child(name);
}

base::Result<CgroupFolder> CgroupFolder::open_child(const std::string& name) const {
  base::UniqueFd fd(::openat(fd_.get(), name.c_str(), kFolderFlags | O_NOFOLLOW));
  if (!fd.valid()) {
    return base::io_error("cannot open cgroup " + name + " in " + name_, errno);
  }
  return CgroupFolder(fd_.get(), name, std::move(fd));
}

base::UniqueFd CgroupFolder::open_within(const char* path, int flags) const {
  if (fd_.valid()) {
    return base::UniqueFd(::openat(fd_.get(), path, flags | O_CLOEXEC));
  }
  return base::UniqueFd(::openat(above_, (name_ + "/" + path).c_str(), flags | O_CLOEXEC));
}

bool CgroupFolder::has(const char* file) const { return open_within(file, O_PATH).valid(); }

base::Result<void> CgroupFolder::write(const char* file, std::string_view value) const {
  const auto fd = open_within(file, O_WRONLY);
  if (!fd.valid() || ::write(fd.get(), value.data(), value.size()) < 0) {
    const int saved = errno;
    auto error =
        base::io_error("cannot write " + std::string(value) + " to " + file + " of cgroup " + name_, saved);
    if (saved == EBUSY) {
      error.code = base::ErrorCode::kBusy;
    }
    return error;
  }
  return {};
}

base::Result<void> CgroupFolder::write(const char* file, std::uint64_t value) const {
  return write(file, std::string_view(std::to_string(value)));
}

std::string CgroupFolder::read(const char* file) const {
  const auto fd = open_within(file, O_RDONLY);
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; fd.valid() && (n = ::read(fd.get(), buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return text;
}

std::optional<std::uint64_t> CgroupFolder::read_number(const char* file) const {
  return parse_number(read(file));
}

std::uint64_t CgroupFolder::read_keyed(const char* file, std::string_view key) const {
  std::istringstream lines(read(file));
  std::uint64_t value = 0;
  for (std::string word; lines >> word >> value;) {
    if (word == key) {
      return value;
    }
  }
  return 0;
}

base::UniqueFd CgroupFolder::open_if_there(const char* file, int flags) const {
  auto opened = open_file(file, flags);
  return opened ? std::move(*opened) : base::UniqueFd();
}

base::Result<base::UniqueFd> CgroupFolder::open_file(const char* file, int flags) const {
  auto fd = open_within(file, flags);
  if (!fd.valid()) {
    return base::io_error(std::string("cannot open ") + file + " of cgroup " + name_, errno);
  }
  return fd;
}

std::vector<std::string> CgroupFolder::children() const {
  std::vector<std::string> names;
  auto fd = open_within(".", kFolderFlags);
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(fd.valid() ? ::fdopendir(fd.release()) : nullptr,
                                                   ::closedir);
  while (folder != nullptr) {
    const dirent* entry = ::readdir(folder.get());
    if (entry == nullptr) {
      break;
    }
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
      names.emplace_back(entry->d_name);
    }
  }
  return names;
}

void CgroupFolder::kill_all() const {
  if (!valid() || (has("cgroup.kill") && write("cgroup.kill", "1").ok())) {
    return;
  }
  std::istringstream pids(read("cgroup.procs"));
  for (pid_t pid = 0; pids >> pid;) {
    if (pid > 0) {  // 0: a process of another pid namespace, out of our reach
      ::kill(pid, SIGKILL);
    }
  }
}

bool CgroupFolder::remove() {
  if (!valid()) {
    return true;
  }
  if (::unlinkat(above_, name_.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
    return false;
  }
  fd_.reset();
  above_ = -1;
  return true;
}

}  // namespace hearth::sandbox
