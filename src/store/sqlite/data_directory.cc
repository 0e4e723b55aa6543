#include "store/sqlite/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "store/sqlite/files.h"

namespace hearth::store::sqlite {
namespace {

base::Error named(const std::string& path, const base::Error& error) {
  return {error.code, "data directory " + path + ": " + error.message};
}

base::Error folder_error(const std::string& path, const char* what, int saved_errno) {
  if (saved_errno == ENOTDIR || saved_errno == EEXIST) {
    return {
        base::ErrorCode::kInvalidArgument,
        "data directory " + path + ": there is something that is not a folder; choose another --data-dir"};
  }
  if (saved_errno == EACCES || saved_errno == EPERM) {
    return {base::ErrorCode::kIo, "data directory " + path +
                                      ": this user may not write there; choose another --data-dir or "
                                      "start as its owner"};
  }
  return named(path, file_error(what, saved_errno));
}

// Makes the folder and, as `mkdir -p` does, those above it.
base::Result<void> make_path(const std::string& path) {
  if (path.empty()) {
    return base::Error{base::ErrorCode::kInvalidArgument, "--data-dir is empty; name a folder"};
  }
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  std::error_code failure;
  if (!parent.empty()) {
    std::filesystem::create_directories(parent, failure);
  }
  if (failure) {
    return folder_error(path, "make the folders above it", failure.value());
  }
  if (::mkdir(path.c_str(), 0750) == 0) {
    const base::UniqueFd above(
        ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return above.valid() ? sync_to_disk(above.get(), "the folder above the data directory")
                         : base::Result<void>();
  }
  return errno == EEXIST ? base::Result<void>() : folder_error(path, "make the folder", errno);
}

bool may_enter(const struct stat& folder, uid_t uid, gid_t gid) {
  if (folder.st_uid == uid) {
    return (folder.st_mode & S_IXUSR) != 0;
  }
  return (folder.st_mode & (folder.st_gid == gid ? S_IXGRP : S_IXOTH)) != 0;
}

// SQLite opens its files by path, so the folders above count too: /root, for one, lets nobody in.
base::Result<void> check_reachable(const std::string& path, uid_t uid, gid_t gid) {
  for (std::filesystem::path above = std::filesystem::path(path).parent_path();;
       above = above.parent_path()) {
    struct stat status = {};
    if (::stat(above.c_str(), &status) != 0) {
      return folder_error(path, "look at the folders above it", errno);
    }
    if (!may_enter(status, uid, gid)) {
      return base::Error{base::ErrorCode::kInvalidArgument,
                         "data directory " + path + ": the user that the server runs as (uid " +
                             std::to_string(uid) + ") may not enter " + above.string() +
                             "; choose another --data-dir"};
    }
    if (above == above.root_path()) {
      return {};
    }
  }
}

base::Result<std::string> absolute(const std::string& path) {
  std::array<char, PATH_MAX> resolved{};
  if (::realpath(path.c_str(), resolved.data()) == nullptr) {
    return folder_error(path, "resolve the path", errno);
  }
  return std::string(resolved.data());
}

}  // namespace

base::Result<std::unique_ptr<DataDirectory>> DataDirectory::open(const std::string& path) {
  if (auto made = make_path(path); !made) {
    return made.error();
  }
  auto resolved = absolute(path);
  if (!resolved) {
    return resolved.error();
  }
  std::unique_ptr<DataDirectory> directory(new DataDirectory(*resolved));
  directory->folder_.reset(::open(resolved->c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory->folder_.valid()) {
    return folder_error(path, "open the folder", errno);
  }
  if (auto locked = directory->take_lock(); !locked) {
    return locked.error();
  }
  if (auto made = directory->make_layout(); !made) {
    return named(directory->path_, made.error());
  }
  return directory;
}

base::Result<void> DataDirectory::take_lock() {
  lock_.reset(::openat(folder_.get(), "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640));
  if (!lock_.valid()) {
    return folder_error(path_, "open the file lock", errno);
  }
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    return errno == EWOULDBLOCK ? busy() : folder_error(path_, "lock the file lock", errno);
  }
  if (::ftruncate(lock_.get(), 0) != 0) {
    return folder_error(path_, "write the file lock", errno);
  }
  if (auto written = write_all(lock_.get(), std::to_string(::getpid()) + "\n"); !written) {
    return named(path_, written.error());
  }
  return {};
}

base::Error DataDirectory::busy() const {
  std::array<char, 32> text{};
  const ssize_t got = ::pread(lock_.get(), text.data(), text.size() - 1, 0);
  const long owner = got > 0 ? std::strtol(text.data(), nullptr, 10) : 0;
  const std::string who = owner > 0 ? "process " + std::to_string(owner) : "another process";
  return {base::ErrorCode::kBusy, "data directory " + path_ + " is in use by " + who +
                                      ": stop that server first, or choose another --data-dir"};
}

base::Result<void> DataDirectory::make_layout() {
  auto code = make_folder(folder_.get(), "code");
  if (!code) {
    return code.error();
  }
  if (auto cache = make_folder(folder_.get(), "cache"); !cache) {
    return cache.error();
  }
  auto tmp = make_folder(folder_.get(), "tmp");
  if (!tmp) {
    return tmp.error();
  }
  // SQLite gives its other files the mode of this one: environments hold secrets.
  const base::UniqueFd database(
      ::openat(folder_.get(), "hearth.db", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640));
  if (!database.valid()) {
    return file_error("open hearth.db", errno);
  }
  code_ = std::move(*code);
  tmp_ = std::move(*tmp);
  if (auto emptied = empty_folder(tmp_.get()); !emptied) {
    return emptied;
  }
  return sync_to_disk(folder_.get(), "the data directory");
}

base::Result<void> DataDirectory::hand_over(uid_t uid, gid_t gid) {
  if (auto reachable = check_reachable(path_, uid, gid); !reachable) {
    return reachable;
  }
  if (auto given = give_folder(folder_.get(), uid, gid); !given) {
    return named(path_, given.error());
  }
  return {};
}

}  // namespace hearth::store::sqlite
