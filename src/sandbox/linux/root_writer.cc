#include "sandbox/linux/root_writer.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/unique_fd.h"

namespace hearth::sandbox {
namespace {

constexpr mode_t kFolderMode = 0755;
constexpr mode_t kFileMode = 0644;
constexpr mode_t kDeviceMode = 0666;

mount_attr attributes(std::uint64_t set) {
  mount_attr attr{};
  attr.attr_set = set | MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID;
  attr.propagation = MS_PRIVATE;  // what the host mounts below it later does not show up inside
  return attr;
}

}  // namespace

base::Result<void> RootWriter::folder(const std::string& path) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const auto prefix = place(path.substr(0, slash));
    if (::mkdir(prefix.c_str(), kFolderMode) != 0 && errno != EEXIST) {
      return base::io_error("cannot make folder " + path + " of the sandbox root", errno);
    }
    if (slash == std::string::npos) {
      return {};
    }
  }
}

base::Result<void> RootWriter::file(const std::string& path, std::string_view text) {
  if (auto parent = folder(path.substr(0, path.rfind('/'))); !parent) {
    return parent;
  }
  const base::UniqueFd fd(::open(place(path).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode));
  while (fd.valid() && !text.empty()) {
    const auto written = ::write(fd.get(), text.data(), text.size());
    if (written < 0) {
      break;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (!fd.valid() || !text.empty()) {
    return base::io_error("cannot write " + path + " of the sandbox root", errno);
  }
  return {};
}

base::Result<void> RootWriter::link(const std::string& path, const std::string& target) {
  if (::symlink(target.c_str(), place(path).c_str()) != 0 && errno != EEXIST) {
    return base::io_error("cannot link " + path + " of the sandbox root", errno);
  }
  return {};
}

base::Result<void> RootWriter::device(const std::string& path, unsigned major, unsigned minor) {
  const auto at = place(path);
  if (::mknod(at.c_str(), S_IFCHR | kDeviceMode, makedev(major, minor)) != 0 ||
      ::chmod(at.c_str(), kDeviceMode) != 0) {
    return base::io_error("cannot make device " + path + " of the sandbox root", errno);
  }
  return {};
}

base::Result<void> RootWriter::tmpfs(const std::string& path, const char* options) {
  if (::mount("hearth", place(path).c_str(), "tmpfs", MS_NOSUID | MS_NOEXEC, options) != 0) {
    return base::io_error("cannot mount the sandbox root at " + place(path), errno);
  }
  return {};
}

base::Result<void> RootWriter::bind(const std::string& host, const std::string& inside) {
  auto target = through_merged_usr(inside);
  if (!target) {
    return target.error();
  }
  if (!bound_.insert(*target).second) {
    return {};
  }
  const base::UniqueFd tree(
      ::open_tree(AT_FDCWD, host.c_str(), OPEN_TREE_CLONE | static_cast<unsigned>(OPEN_TREE_CLOEXEC)));
  if (!tree.valid()) {
    auto error = base::io_error("cannot show " + host + " inside the sandbox", errno);
    if (errno == ENOENT) {
      error.code = base::ErrorCode::kNotFound;
    }
    return error;
  }
  struct stat status {};
  auto attr = attributes(MOUNT_ATTR_NODEV);
  if (::fstat(tree.get(), &status) != 0 ||
      ::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attr, sizeof attr) != 0) {
    return base::io_error("cannot make " + host + " read-only for the sandbox", errno);
  }
  if (auto point = mount_point(*target, S_ISDIR(status.st_mode)); !point) {
    return point;
  }
  if (::move_mount(tree.get(), "", AT_FDCWD, place(*target).c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) {
    return base::io_error("cannot mount " + host + " in the sandbox root", errno);
  }
  return {};
}

base::Result<void> RootWriter::seal(const std::string& path, Devices devices) {
  auto attr = attributes(MOUNT_ATTR_NOEXEC | (devices == Devices::kNone ? MOUNT_ATTR_NODEV : 0));
  if (::mount_setattr(AT_FDCWD, place(path).c_str(), 0, &attr, sizeof attr) != 0) {
    return base::io_error("cannot make " + path + " of the sandbox root read-only", errno);
  }
  return {};
}

base::Result<std::string> RootWriter::through_merged_usr(const std::string& path) {
  const auto second = path.find('/', 1);
  const auto top = path.substr(0, second);
  std::error_code none;
  const auto target = std::filesystem::read_symlink(top, none);
  if (none || second == std::string::npos || target != "usr" + top) {
    return path;
  }
  if (auto made = folder("/usr" + top); !made) {
    return made.error();
  }
  if (auto made = link(top, target); !made) {
    return made.error();
  }
  return "/usr" + path;
}

base::Result<void> RootWriter::mount_point(const std::string& path, bool is_folder) {
  return is_folder ? folder(path) : file(path, "");
}

}  // namespace hearth::sandbox
