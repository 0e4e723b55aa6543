#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "archive/archive.h"
#include "archive/entry_names.h"
#include "archive/zip_reader.h"

namespace hearth::archive {
namespace {

using base::Result;
using base::UniqueFd;

constexpr mode_t kFolderMode = 0755;
constexpr mode_t kFileMode = 0644;
constexpr mode_t kExecutableMode = 0755;

// Opens `path` below `folder_fd`. The kernel refuses every symlink and every step out, whatever
// anybody does to the folder meanwhile.
UniqueFd open_beneath(int folder_fd, const std::string& path, int flags, mode_t mode = 0) {
  struct open_how how {};
  how.flags = static_cast<std::uint64_t>(static_cast<unsigned>(flags | O_CLOEXEC));
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  return UniqueFd(static_cast<int>(::syscall(SYS_openat2, folder_fd, path.c_str(), &how, sizeof(how))));
}

base::Error cannot_make(const std::string& path) {
  const int saved_errno = errno;
  return base::io_error(fmt::format("cannot unpack {}", quoted(path)), saved_errno);
}

// The folder that holds `path`, and the name in it.
std::pair<UniqueFd, std::string> open_parent(int folder_fd, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) {
    return {open_beneath(folder_fd, ".", O_PATH | O_DIRECTORY), path};
  }
  return {open_beneath(folder_fd, path.substr(0, slash), O_PATH | O_DIRECTORY), path.substr(slash + 1)};
}

Result<void> make_folder(int folder_fd, const std::string& path) {
  const auto [parent, name] = open_parent(folder_fd, path);
  if (!parent.valid() || ::mkdirat(parent.get(), name.c_str(), kFolderMode) != 0) {
    return cannot_make(path);
  }
  // The umask may have taken bits away.
  const UniqueFd folder = open_beneath(parent.get(), name, O_RDONLY | O_DIRECTORY);
  if (!folder.valid() || ::fchmod(folder.get(), kFolderMode) != 0) {
    return cannot_make(path);
  }
  return {};
}

Result<void> write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) {
      return cannot_make(path);
    }
    if (written > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  return {};
}

Result<void> make_file(ZipReader& reader, int folder_fd, const TreeFile& file) {
  const mode_t mode = file.executable ? kExecutableMode : kFileMode;
  const UniqueFd out = open_beneath(folder_fd, file.path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  if (!out.valid() || ::fchmod(out.get(), mode) != 0) {
    return cannot_make(file.path);
  }
  return reader.read(file, [&](std::string_view piece) { return write_all(out.get(), piece, file.path); });
}

Result<void> make_link(ZipReader& reader, int folder_fd, const TreeLink& link, const Limits& limits) {
  const auto target = reader.read_target(link, limits);
  if (!target) {
    return target.error();
  }
  const auto [parent, name] = open_parent(folder_fd, link.path);
  if (!parent.valid() || ::symlinkat(target->c_str(), parent.get(), name.c_str()) != 0) {
    return cannot_make(link.path);
  }
  return {};
}

// Symlinks come last: while anything is written there is none.
Result<void> make_tree(ZipReader& reader, int folder_fd, const Limits& limits) {
  for (const auto& path : reader.tree().folders) {
    if (auto made = make_folder(folder_fd, path); !made) {
      return made;
    }
  }
  for (const auto& file : reader.tree().files) {
    if (auto made = make_file(reader, folder_fd, file); !made) {
      return made;
    }
  }
  for (const auto& link : reader.tree().links) {
    if (auto made = make_link(reader, folder_fd, link, limits); !made) {
      return made;
    }
  }
  return {};
}

}  // namespace

Result<Contents> unpack(int zip_fd, int folder_fd, const Limits& limits) {
  auto reader = ZipReader::open(zip_fd, limits);
  if (!reader) {
    return reader.error();
  }
  if (auto made = make_tree(*reader, folder_fd, limits); !made) {
    return made.error();
  }
  return reader->contents();
}

}  // namespace hearth::archive
