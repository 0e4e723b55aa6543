#include "worker/code_folders.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

#include "worker/folder_digest.h"

namespace hearth::worker {
namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using base::Result;

constexpr std::size_t kDigestDigits = 64;
constexpr std::uint64_t kBlockBytes = 4'096;
constexpr std::string_view kTemporaryPrefix = ".temporary-";
constexpr const char* kSumsFolder = "sums";
constexpr const char* kBootFile = ".boot";
constexpr const char* kBootIdPath = "/proc/sys/kernel/random/boot_id";

Error failed(std::string_view what, const fs::path& path, int saved_errno) {
  return base::io_error(fmt::format("code cache: cannot {} {}", what, path.string()), saved_errno);
}
Error failed(std::string_view what, const fs::path& path, const std::error_code& error) {
  return failed(what, path, error.value());
}

base::UniqueFd open_folder(const fs::path& path, int flags) {
  return base::UniqueFd(::open(path.c_str(), flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

std::string first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::uint64_t whole_blocks(std::uint64_t bytes) {
  return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
}

Result<std::uint64_t> disk_bytes(const fs::path& folder) {
  std::uint64_t bytes = kBlockBytes;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    struct stat status {};
    if (::lstat(at->path().c_str(), &status) != 0) {
      return failed("read", at->path(), errno);
    }
    bytes += S_ISREG(status.st_mode) ? whole_blocks(static_cast<std::uint64_t>(status.st_size)) : kBlockBytes;
  }
  return error ? Result<std::uint64_t>(failed("read", folder, error)) : bytes;
}

Result<void> remove_tree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  return error ? failed("remove", path, error) : Result<void>();
}

}  // namespace

bool is_digest(std::string_view text) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == kDigestDigits && std::ranges::all_of(text, is_hex);
}

Result<std::unique_ptr<CodeFolders>> CodeFolders::open(const std::string& folder) {
  std::unique_ptr<CodeFolders> opened(new CodeFolders(folder));
  if (auto made = opened->make(); !made) {
    return made.error();
  }
  if (auto cleaned = opened->clean(); !cleaned) {
    return cleaned.error();
  }
  return opened;
}

// Nobody but the platform has business in here: instances get the folders inside by descriptor.
Result<void> CodeFolders::make() {
  std::error_code error;
  fs::create_directories(folder_.parent_path(), error);
  for (const fs::path& folder : {folder_, folder_ / kSumsFolder}) {
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
      return failed("make", folder, errno);
    }
  }
  return {};
}

Result<void> CodeFolders::clean() {
  const std::string boot = first_line(kBootIdPath);
  const bool restarted = boot.empty() || first_line(folder_ / kBootFile) != boot;
  std::error_code error;
  for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename();
    if (name.starts_with(kTemporaryPrefix) || (restarted && is_digest(name))) {
      if (auto removed = remove_tree(at->path()); !removed) {
        return removed;
      }
    }
  }
  if (error) {
    return failed("read", folder_, error);
  }
  std::ofstream(folder_ / kBootFile) << boot << '\n';
  return {};
}

Result<std::vector<ListedCode>> CodeFolders::list() const {
  std::vector<std::pair<fs::file_time_type, ListedCode>> found;
  std::error_code error;
  for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename();
    if (!is_digest(name)) {
      continue;
    }
    const auto bytes = disk_bytes(at->path());
    if (!bytes) {
      return bytes.error();
    }
    std::error_code unknown;  // then it counts as the oldest
    found.emplace_back(at->last_write_time(unknown), ListedCode{name, *bytes});
  }
  if (error) {
    return failed("read", folder_, error);
  }
  std::ranges::sort(found, {}, [](const auto& entry) { return entry.first; });
  std::vector<ListedCode> listed;
  listed.reserve(found.size());
  for (auto& [time, code] : found) {
    listed.push_back(std::move(code));
  }
  return listed;
}

Result<base::UniqueFd> CodeFolders::find(const std::string& digest) const {
  const fs::path path = folder_ / digest;
  base::UniqueFd opened = open_folder(path, O_PATH);
  if (!opened.valid()) {
    return errno == ENOENT ? Error{ErrorCode::kNotFound, "code cache: not unpacked"}
                           : failed("open", path, errno);
  }
  return opened;
}

Result<std::uint64_t> CodeFolders::measure(const std::string& digest) const {
  return disk_bytes(folder_ / digest);
}

Result<UnpackedCode> CodeFolders::unpack(const std::string& digest, int zip_fd,
                                         const archive::Limits& limits) {
  const fs::path temporary = temporary_path();
  if (::mkdir(temporary.c_str(), 0700) != 0) {
    return failed("make", temporary, errno);
  }
  const auto into_place = [&]() -> Result<UnpackedCode> {
    base::UniqueFd opened = open_folder(temporary, O_RDONLY);
    if (!opened.valid()) {
      return failed("open", temporary, errno);
    }
    if (auto unpacked = archive::unpack(zip_fd, opened.get(), limits); !unpacked) {
      return unpacked.error();
    }
    // Instances run under other uids, each to read this.
    if (::fchmod(opened.get(), 0755) != 0) {
      return failed("open up", temporary, errno);
    }
    const auto bytes = disk_bytes(temporary);
    base::UniqueFd folder = open_folder(temporary, O_PATH);
    if (!bytes || !folder.valid()) {
      return bytes ? failed("open", temporary, errno) : bytes.error();
    }
    if (::rename(temporary.c_str(), (folder_ / digest).c_str()) != 0) {
      return failed("make", folder_ / digest, errno);
    }
    return UnpackedCode{std::move(folder), *bytes, true};
  };
  auto placed = into_place();
  if (!placed) {
    (void)remove_tree(temporary);  // what is left of it goes at the next start; the first error counts
  }
  return placed;
}

fs::path CodeFolders::sum_path(const std::string& digest) const { return folder_ / kSumsFolder / digest; }

Result<void> CodeFolders::seal(const std::string& digest) {
  const auto sum = folder_digest(folder_ / digest);
  if (!sum) {
    return sum.error();
  }
  std::ofstream file(sum_path(digest));
  file << *sum << '\n';
  file.close();
  return file ? Result<void>() : Result<void>(failed("write", sum_path(digest), EIO));
}

Result<bool> CodeFolders::intact(const std::string& digest) const {
  const auto sum = folder_digest(folder_ / digest);
  if (!sum) {
    return sum.error();
  }
  return first_line(sum_path(digest)) == *sum;
}

Result<void> CodeFolders::remove(const std::string& digest) {
  ::unlink(sum_path(digest).c_str());  // one that stays is of no use without the folder
  const fs::path temporary = temporary_path();
  if (::rename((folder_ / digest).c_str(), temporary.c_str()) != 0) {
    return errno == ENOENT ? Result<void>() : failed("remove", folder_ / digest, errno);
  }
  return remove_tree(temporary);
}

fs::path CodeFolders::temporary_path() {
  return folder_ / (std::string(kTemporaryPrefix) + std::to_string(++last_temporary_));
}

}  // namespace hearth::worker
