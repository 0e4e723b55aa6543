#include "archive/folder_scan.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <string_view>

#include "archive/archive.h"
#include "archive/entry_names.h"

namespace hearth::archive {
namespace {

using base::Error;
using base::ErrorCode;
using base::Result;

struct CloseDir {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

Error cannot_read(const std::string& path) {
  const int saved_errno = errno;
  return base::io_error(fmt::format("cannot read {}", quoted(path)), saved_errno);
}

Result<std::vector<std::string>> sorted_names(const std::string& folder) {
  const std::unique_ptr<DIR, CloseDir> opened(::opendir(folder.c_str()));
  if (!opened) {
    return cannot_read(folder);
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(opened.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") {
      names.emplace_back(name);
    }
  }
  if (errno != 0) {
    return cannot_read(folder);
  }
  std::ranges::sort(names);
  return names;
}

Result<std::string> read_link(const std::string& path, const Limits& limits) {
  std::string target(limits.path_bytes + 1, '\0');
  const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
  if (size < 0) {
    return cannot_read(path);
  }
  target.resize(static_cast<std::size_t>(size));
  return target;
}

class Scan {
 public:
  Scan(const std::string& root, const IgnoreRules& rules, const std::string& zip_path)
      : root_(root), rules_(rules) {
    struct stat status {};
    if (::stat(zip_path.c_str(), &status) == 0) {
      zip_ = status;
    }
  }

  // Everything in the folder `path`; "" is the root.
  Result<void> folder(const std::string& path) {
    const auto names = sorted_names(path.empty() ? root_ : root_ + "/" + path);
    if (!names) {
      return names.error();
    }
    const std::size_t before = entries_.size();
    const std::string above = path.empty() ? "" : path + "/";
    for (const auto& name : *names) {
      if (auto scanned = entry(above + name); !scanned) {
        return scanned;
      }
    }
    if (entries_.size() == before && !path.empty()) {
      entries_.push_back({ScannedKind::kEmptyFolder, path, root_ + "/" + path, 0, false, ""});
    }
    return {};
  }

  std::vector<ScannedEntry> take() && { return std::move(entries_); }

 private:
  Result<void> entry(const std::string& path) {
    const std::string full_path = root_ + "/" + path;
    struct stat status {};
    if (::lstat(full_path.c_str(), &status) != 0) {
      return cannot_read(full_path);
    }
    if (rules_.ignores(path, S_ISDIR(status.st_mode)) || is_the_zip(status)) {
      return {};
    }
    if (auto checked = check_path(path, limits_); !checked) {
      return checked;
    }
    switch (status.st_mode & S_IFMT) {
      case S_IFDIR:
        return folder(path);
      case S_IFREG:
        return file(path, full_path, status);
      case S_IFLNK:
        return symlink(path, full_path);
      default:
        return Error{
            ErrorCode::kInvalidArgument,
            fmt::format("{} is a socket, pipe or device, which no zip can hold: remove it, or name it in the "
                        "ignore file",
                        quoted(path))};
    }
  }

  Result<void> file(const std::string& path, const std::string& full_path, const struct stat& status) {
    const bool executable = (status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0;
    entries_.push_back(
        {ScannedKind::kFile, path, full_path, static_cast<std::uint64_t>(status.st_size), executable, ""});
    return {};
  }

  Result<void> symlink(const std::string& path, const std::string& full_path) {
    auto target = read_link(full_path, limits_);
    if (!target) {
      return target.error();
    }
    if (auto checked = check_link_target(path, *target, limits_); !checked) {
      return checked;
    }
    entries_.push_back({ScannedKind::kSymlink, path, full_path, target->size(), false, *target});
    return {};
  }

  bool is_the_zip(const struct stat& status) const {
    return zip_ && zip_->st_dev == status.st_dev && zip_->st_ino == status.st_ino;
  }

  const std::string root_;
  const IgnoreRules& rules_;
  const Limits limits_;  // what the platform accepts by default
  std::optional<struct stat> zip_;
  std::vector<ScannedEntry> entries_;
};

}  // namespace

Result<std::vector<ScannedEntry>> scan_folder(const std::string& folder, const IgnoreRules& rules,
                                              const std::string& zip_path) {
  Scan scan(folder, rules, zip_path);
  if (auto scanned = scan.folder(""); !scanned) {
    return scanned.error();
  }
  return std::move(scan).take();
}

}  // namespace hearth::archive
