#include "worker/folder_digest.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/unique_fd.h"

namespace hearth::worker {
namespace {

namespace fs = std::filesystem;
using base::Result;

constexpr std::size_t kPieceBytes = 64 * 1'024;

class Digest {
 public:
  Digest() { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }
  void add(std::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
  // With its length, so that two names are not one.
  void add_text(std::string_view text) {
    add(fmt::format("{}:", text.size()));
    add(text);
  }
  std::string finish() {
    std::array<unsigned char, 32> hash{};
    EVP_DigestFinal_ex(context_.get(), hash.data(), nullptr);
    std::string hex;
    for (const unsigned char byte : hash) {
      hex += fmt::format("{:02x}", byte);
    }
    return hex;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  const std::unique_ptr<EVP_MD_CTX, Free> context_{EVP_MD_CTX_new()};
};

base::Error failed(const fs::path& path, int error) {
  return base::io_error(fmt::format("code cache: cannot read {}", path.string()), error);
}

Result<void> add_file(Digest& digest, const fs::path& path) {
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

Result<void> add_entry(Digest& digest, const fs::path& folder, const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    return failed(path, errno);
  }
  digest.add_text(path.lexically_relative(folder).string());
  digest.add_text(std::to_string(status.st_mode));
  if (S_ISLNK(status.st_mode)) {
    std::error_code error;
    digest.add_text(fs::read_symlink(path, error).string());
    return error ? Result<void>(failed(path, error.value())) : Result<void>();
  }
  if (!S_ISREG(status.st_mode)) {
    return {};
  }
  digest.add_text(std::to_string(status.st_size));
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
  Digest digest;
  for (const fs::path& path : paths) {
    if (auto added = add_entry(digest, folder, path); !added) {
      return added.error();
    }
  }
  return digest.finish();
}

}  // namespace hearth::worker
