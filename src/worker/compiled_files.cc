#include "worker/compiled_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/unique_fd.h"

namespace hearth::worker {
namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using base::Result;

constexpr std::uint64_t kBlockBytes = 4'096;
constexpr std::size_t kMaxIdChars = 63;
constexpr std::string_view kTemporaryPrefix = ".temporary-";

// A file: kMagic, the SHA-256 of the rest, how many bytes CompiledCode::compiles has, those, and the bytes.
constexpr std::string_view kMagic = "hearth 1";
constexpr std::size_t kHashBytes = 32;
constexpr std::size_t kLengthAt = kMagic.size() + kHashBytes;
constexpr std::size_t kTextAt = kLengthAt + sizeof(std::uint32_t);

Error failed(std::string_view what, const fs::path& path, int saved_errno) {
  return base::io_error(fmt::format("code cache: cannot {} {}", what, path.string()), saved_errno);
}

Error corrupt(const fs::path& path) {
  return Error{ErrorCode::kCorrupt, "code cache: damaged: " + path.string()};
}

std::uint64_t whole_blocks(std::uint64_t bytes) {
  return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
}

std::string hash_of(std::string_view bytes) {
  std::string hash(kHashBytes, '\0');
  EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(hash.data()), nullptr, EVP_sha256(),
             nullptr);
  return hash;
}

std::string text_of(const CompiledCode& code) {
  const auto length = static_cast<std::uint32_t>(code.compiles.size());
  std::string rest(sizeof length, '\0');
  std::memcpy(rest.data(), &length, sizeof length);
  rest.append(code.compiles).append(code.bytes);
  return std::string(kMagic) + hash_of(rest) + rest;
}

Result<void> write_all(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      return failed("write", path, errno);
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<std::string> read_all(const fs::path& path) {
  const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!file.valid() || ::fstat(file.get(), &status) != 0) {
    return errno == ENOENT ? Error{ErrorCode::kNotFound, "code cache: nothing compiled"}
                           : failed("open", path, errno);
  }
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t part = ::read(file.get(), bytes.data() + got, bytes.size() - got);
    if (part < 0) {
      return failed("read", path, errno);
    }
    if (part == 0) {
      return corrupt(path);
    }
    got += static_cast<std::size_t>(part);
  }
  return bytes;
}

}  // namespace

bool is_version_id(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  };
  return !text.empty() && text.size() <= kMaxIdChars && std::ranges::all_of(text, fits);
}

Result<std::unique_ptr<CompiledFiles>> CompiledFiles::open(const std::string& folder) {
  std::unique_ptr<CompiledFiles> opened(new CompiledFiles(folder));
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return failed("make", opened->folder_, errno);
  }
  std::error_code error;
  for (fs::directory_iterator at(opened->folder_, error), end; !error && at != end; at.increment(error)) {
    if (at->path().filename().string().starts_with(kTemporaryPrefix)) {
      ::unlink(at->path().c_str());
    }
  }
  if (error) {
    return failed("read", opened->folder_, error.value());
  }
  return opened;
}

Result<std::vector<ListedCompiled>> CompiledFiles::list() const {
  std::vector<std::pair<fs::file_time_type, ListedCompiled>> found;
  std::error_code error;
  for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    std::error_code unknown;  // then it counts as the oldest, and as nothing
    if (const std::string name = at->path().filename(); is_version_id(name)) {
      found.emplace_back(at->last_write_time(unknown),
                         ListedCompiled{name, whole_blocks(at->file_size(unknown))});
    }
  }
  if (error) {
    return failed("read", folder_, error.value());
  }
  std::ranges::sort(found, {}, [](const auto& entry) { return entry.first; });
  std::vector<ListedCompiled> listed;
  listed.reserve(found.size());
  for (auto& [time, compiled] : found) {
    listed.push_back(std::move(compiled));
  }
  return listed;
}

Result<CompiledCode> CompiledFiles::read(const model::VersionId& version) const {
  const fs::path path = folder_ / version;
  auto read = read_all(path);
  if (!read) {
    return read.error();
  }
  const std::string_view bytes = *read;
  if (bytes.size() < kTextAt || !bytes.starts_with(kMagic) ||
      bytes.substr(kMagic.size(), kHashBytes) != hash_of(bytes.substr(kLengthAt))) {
    return corrupt(path);
  }
  std::uint32_t length = 0;
  std::memcpy(&length, bytes.data() + kLengthAt, sizeof length);
  if (length > bytes.size() - kTextAt) {
    return corrupt(path);
  }
  CompiledCode code{std::string(bytes.substr(kTextAt, length)), ""};
  read->erase(0, kTextAt + length);
  code.bytes = std::move(*read);
  return code;
}

Result<std::uint64_t> CompiledFiles::write(const model::VersionId& version, const CompiledCode& code) {
  const fs::path temporary = folder_ / (std::string(kTemporaryPrefix) + std::to_string(++last_temporary_));
  const std::string text = text_of(code);
  const base::UniqueFd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) {
    return failed("make", temporary, errno);
  }
  auto written = write_all(file.get(), text, temporary);
  if (written && ::rename(temporary.c_str(), (folder_ / version).c_str()) != 0) {
    written = failed("make", folder_ / version, errno);
  }
  if (!written) {
    ::unlink(temporary.c_str());
    return written.error();
  }
  return whole_blocks(text.size());
}

Result<void> CompiledFiles::remove(const model::VersionId& version) {
  const fs::path path = folder_ / version;
  return ::unlink(path.c_str()) == 0 || errno == ENOENT ? Result<void>() : failed("remove", path, errno);
}

}  // namespace hearth::worker
