#include "worker/folder_digest.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/sha256.h"
#include "base/unique_fd.h"

namespace hearth::worker {
namespace {

namespace fs = std::filesystem;
using base::Result;

constexpr std::size_t kPieceBytes = 64 * 1'024;

// With its length, so that two names are not one.
void add_text(base::Sha256& digest, std::string_view text) {
  digest.add(fmt::format("{}:", text.size()));
  digest.add(text);
}

base::Error failed(const fs::path& path, int error) {
  return base::io_error(fmt::format("code cache: cannot read {}", path.string()), error);
}

Result<void> add_file(base::Sha256& digest, const fs::path& path) {
  const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file.valid()) {
    return failed(path, errno);
  }
  std::vector<char> piece(kPieceBytes);
  for (;;) {
    const ssize_t got = ::read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno != EINTR) {
      return failed(path, errno);
    }
    if (got == 0) {
      return {};
    }
    if (got > 0) {
      digest.add({piece.data(), static_cast<std::size_t>(got)});
    }
  }
}

Result<void> add_entry(base::Sha256& digest, const fs::path& folder, const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    return failed(path, errno);
  }
  add_text(digest, path.lexically_relative(folder).string());
  add_text(digest, std::to_string(status.st_mode));
  if (S_ISLNK(status.st_mode)) {
    std::error_code error;
    add_text(digest, fs::read_symlink(path, error).string());
    return error ? Result<void>(failed(path, error.value())) : Result<void>();
  }
  if (!S_ISREG(status.st_mode)) {
    return {};
  }
  add_text(digest, std::to_string(status.st_size));
  return add_file(digest, path);
}

}  // namespace

Result<std::string> folder_digest(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    paths.push_back(at->path());
  }
  if (error) {
    return failed(folder, error.value());
  }
  std::ranges::sort(paths);
  base::Sha256 digest;
  for (const fs::path& path : paths) {
    if (auto added = add_entry(digest, folder, path); !added) {
      return added.error();
    }
  }
  return digest.finish();
}

}  // namespace hearth::worker
