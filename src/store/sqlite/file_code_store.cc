#include "store/sqlite/file_code_store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <vector>

#include "base/sha256.h"
#include "base/units.h"
#include "store/sqlite/files.h"

namespace hearth::store::sqlite {
namespace {

constexpr std::size_t kPieceBytes = 256 * base::kKiB;

std::string subfolder(std::string_view digest) { return std::string(digest.substr(0, 2)); }

base::Error no_such_code(std::string_view digest) {
  return {base::ErrorCode::kNotFound,
          "there is no code with the digest " + std::string(digest.substr(0, 64))};
}

// From the start to the end; leaves the descriptor at its start.
base::Result<std::string> hash_file(int fd) {
  base::Sha256 hash;
  std::vector<char> piece(kPieceBytes);
  for (;;) {
    const ssize_t got = ::read(fd, piece.data(), piece.size());
    if (got < 0 && errno != EINTR) {
      return file_error("read code", errno);
    }
    if (got == 0) {
      break;
    }
    if (got > 0) {
      hash.add({piece.data(), static_cast<std::size_t>(got)});
    }
  }
  if (::lseek(fd, 0, SEEK_SET) != 0) {
    return file_error("rewind code", errno);
  }
  return hash.finish();
}

base::Result<base::UniqueFd> open_checked(int folder, const std::string& digest) {
  base::UniqueFd file(::openat(folder, digest.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file.valid()) {
    return errno == ENOENT ? no_such_code(digest) : file_error("open code " + digest, errno);
  }
  auto found = hash_file(file.get());
  if (!found) {
    return found.error();
  }
  if (*found != digest) {
    return base::Error{base::ErrorCode::kCorrupt, "the stored code " + digest +
                                                      " is damaged (its bytes have the digest " + *found +
                                                      "); deploy the function again"};
  }
  return file;
}

}  // namespace

// Holds one temporary file, which its end removes: commit() has given the bytes a second name.
class FileCodeStore::Writer final : public CodeWriter {
 public:
  Writer(FileCodeStore& store, std::string temporary, base::UniqueFd file, std::uint64_t limit_bytes)
      : store_(store), temporary_(std::move(temporary)), file_(std::move(file)), limit_bytes_(limit_bytes) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() override { ::unlinkat(store_.tmp_, temporary_.c_str(), 0); }

  base::Result<void> append(std::string_view bytes) override {
    if (bytes.size() > limit_bytes_ - bytes_) {
      return base::Error{base::ErrorCode::kTooLarge,
                         "the code is larger than the limit of " + std::to_string(limit_bytes_) + " bytes"};
    }
    if (auto written = write_all(file_.get(), bytes); !written) {
      broken_ = true;
      return base::Error{written.error().code, "store the code: " + written.error().message};
    }
    hash_.add(bytes);
    bytes_ += bytes.size();
    return {};
  }

  base::Result<base::UniqueFd> reopen() override {
    base::UniqueFd file(::openat(store_.tmp_, temporary_.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file.valid()) {
      return file_error("open the upload", errno);
    }
    return file;
  }

  base::Result<StoredCode> commit() override {
    if (broken_ || committed_) {
      return base::Error{base::ErrorCode::kInternal, "commit of an upload that failed or was committed"};
    }
    committed_ = true;
    if (auto synced = sync_to_disk(file_.get(), "the upload"); !synced) {
      return synced.error();
    }
    StoredCode stored{hash_.finish(), bytes_};
    if (auto published = store_.publish(temporary_, stored.digest); !published) {
      return published.error();
    }
    return stored;
  }

 private:
  FileCodeStore& store_;
  const std::string temporary_;
  base::UniqueFd file_;
  const std::uint64_t limit_bytes_;
  std::uint64_t bytes_ = 0;
  base::Sha256 hash_;
  bool broken_ = false;
  bool committed_ = false;
};

base::Result<std::unique_ptr<CodeWriter>> FileCodeStore::begin(std::uint64_t limit_bytes) {
  for (;;) {
    std::string name = "upload-" + std::to_string(uploads_.fetch_add(1));
    base::UniqueFd file(
        ::openat(tmp_, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640));
    if (file.valid()) {
      return std::unique_ptr<CodeWriter>(new Writer(*this, std::move(name), std::move(file), limit_bytes));
    }
    if (errno != EEXIST) {
      return file_error("begin an upload", errno);
    }
  }
}

base::Result<void> FileCodeStore::publish(const std::string& temporary, const std::string& digest) {
  const std::lock_guard lock(names_mutex_);
  auto folder = make_folder(code_, subfolder(digest).c_str());
  if (!folder) {
    return folder.error();
  }
  auto linked = link_or_replace(folder->get(), temporary, digest);
  if (!linked) {
    return linked.error();
  }
  // Both always: an earlier upload may have made the folder, or the blob, and failed before it synced.
  auto synced = sync_to_disk(folder->get(), "a folder of code");
  if (synced) {
    synced = sync_to_disk(code_, "the folder of code");
  }
  if (!synced && *linked) {
    ::unlinkat(folder->get(), digest.c_str(), 0);
  }
  return synced;
}

base::Result<bool> FileCodeStore::link_or_replace(int folder, const std::string& temporary,
                                                  const std::string& digest) {
  if (::linkat(tmp_, temporary.c_str(), folder, digest.c_str(), 0) == 0) {
    return true;
  }
  if (errno != EEXIST) {
    return file_error("name the code " + digest, errno);
  }
  const auto present = open_checked(folder, digest);
  if (present) {
    return false;
  }
  if (present.error().code != base::ErrorCode::kCorrupt) {
    return present.error();
  }
  // The bytes there are damaged: deploying the same code again is how a user mends it.
  if (::renameat(tmp_, temporary.c_str(), folder, digest.c_str()) != 0) {
    return file_error("replace the damaged code " + digest, errno);
  }
  return false;
}

base::Result<base::UniqueFd> FileCodeStore::open(std::string_view digest) {
  if (!base::is_sha256(digest)) {
    return no_such_code(digest);
  }
  const base::UniqueFd folder(
      ::openat(code_, subfolder(digest).c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder.valid()) {
    return errno == ENOENT ? no_such_code(digest) : file_error("open the folder of code", errno);
  }
  return open_checked(folder.get(), std::string(digest));
}

base::Result<void> FileCodeStore::remove(std::string_view digest) {
  if (!base::is_sha256(digest)) {
    return {};
  }
  const std::lock_guard lock(names_mutex_);
  const std::string path = subfolder(digest) + "/" + std::string(digest);
  if (::unlinkat(code_, path.c_str(), 0) != 0 && errno != ENOENT) {
    return file_error("remove the code " + std::string(digest), errno);
  }
  return {};
}

std::string FileCodeStore::uri(std::string_view digest) const { return "blob:sha256:" + std::string(digest); }

}  // namespace hearth::store::sqlite
