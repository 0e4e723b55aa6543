#include "store/sqlite/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>

namespace hearth::store::sqlite {
namespace {

constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

base::Result<void> remove_entry(int folder, const std::string& name) {
  if (::unlinkat(folder, name.c_str(), 0) == 0 || errno == ENOENT) {
    return {};
  }
  if (errno != EISDIR && errno != EPERM) {  // EPERM is POSIX's word for a folder
    return file_error("remove " + name, errno);
  }
  auto inside = open_folder(folder, name.c_str());
  if (!inside) {
    return inside.error();
  }
  if (auto emptied = empty_folder(inside->get()); !emptied) {
    return emptied;
  }
  if (::unlinkat(folder, name.c_str(), AT_REMOVEDIR) != 0) {
    return file_error("remove " + name, errno);
  }
  return {};
}

// `entry` may be an O_PATH descriptor, so the inode that is looked at is the one that changes hands.
base::Result<void> give_entry(int entry, uid_t uid, gid_t gid, const std::string& name) {
  struct stat status = {};
  if (::fstat(entry, &status) != 0) {
    return file_error("look at " + name, errno);
  }
  if (status.st_uid == uid && status.st_gid == gid) {
    return {};
  }
  if (!S_ISDIR(status.st_mode) && status.st_nlink != 1) {
    return base::Error{base::ErrorCode::kInvalidArgument,
                       name +
                           " in the data directory has a second name elsewhere (a hard link) and "
                           "another owner: remove it, then start again"};
  }
  if (::fchownat(entry, "", uid, gid, AT_EMPTY_PATH) != 0) {
    return file_error("change the owner of " + name, errno);
  }
  return {};
}

base::Result<void> give_contents(int folder, uid_t uid, gid_t gid);

base::Result<void> give_inside(int folder, const std::string& name, uid_t uid, gid_t gid) {
  const base::UniqueFd entry(::openat(folder, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!entry.valid()) {
    return errno == ENOENT ? base::Result<void>() : file_error("open " + name, errno);
  }
  struct stat status = {};
  if (::fstat(entry.get(), &status) != 0) {
    return file_error("look at " + name, errno);
  }
  if (S_ISDIR(status.st_mode)) {
    auto inside = open_folder(entry.get(), ".");
    if (!inside) {
      return inside.error();
    }
    if (auto given = give_contents(inside->get(), uid, gid); !given) {
      return given;
    }
  }
  return give_entry(entry.get(), uid, gid, name);
}

base::Result<void> give_contents(int folder, uid_t uid, gid_t gid) {
  auto names = list_folder(folder);
  if (!names) {
    return names.error();
  }
  for (const std::string& name : *names) {
    if (auto given = give_inside(folder, name, uid, gid); !given) {
      return given;
    }
  }
  return {};
}

}  // namespace

base::Error file_error(std::string_view what, int saved_errno) {
  const std::string action(what);
  switch (saved_errno) {
    case ENOSPC:
    case EDQUOT:
      return {base::ErrorCode::kIo, action + ": the disk is full; free some space and try again"};
    case EROFS:
      return {base::ErrorCode::kIo, action + ": the file system is mounted read-only"};
    default:
      return base::io_error(what, saved_errno);
  }
}

base::Result<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      return file_error("write", errno);
    }
  }
  return {};
}

base::Result<void> sync_to_disk(int fd, std::string_view what) {
  if (::fsync(fd) != 0) {
    return file_error("fsync " + std::string(what), errno);
  }
  return {};
}

base::Result<base::UniqueFd> open_folder(int parent, const char* name) {
  base::UniqueFd folder(::openat(parent, name, kFolderFlags));
  if (!folder.valid()) {
    return file_error("open the folder " + std::string(name), errno);
  }
  return folder;
}

base::Result<base::UniqueFd> make_folder(int parent, const char* name) {
  if (::mkdirat(parent, name, 0750) != 0 && errno != EEXIST) {
    return file_error("make the folder " + std::string(name), errno);
  }
  return open_folder(parent, name);
}

base::Result<std::vector<std::string>> list_folder(int folder) {
  auto again = open_folder(folder, ".");  // closedir() closes what it reads
  if (!again) {
    return again.error();
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(again->get()), &::closedir);
  if (!stream) {
    return file_error("read a folder", errno);
  }
  again->release();
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {  // NOLINT(concurrency-mt-unsafe): own stream
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..") {
      names.emplace_back(name);
    }
  }
  if (errno != 0) {
    return file_error("read a folder", errno);
  }
  return names;
}

base::Result<void> empty_folder(int folder) {
  auto names = list_folder(folder);
  if (!names) {
    return names.error();
  }
  for (const std::string& name : *names) {
    if (auto removed = remove_entry(folder, name); !removed) {
      return removed;
    }
  }
  return {};
}

base::Result<void> give_folder(int folder, uid_t uid, gid_t gid) {
  auto given = give_contents(folder, uid, gid);
  return given ? give_entry(folder, uid, gid, "the folder itself") : given;
}

}  // namespace hearth::store::sqlite
