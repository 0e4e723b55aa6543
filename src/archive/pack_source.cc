#include "archive/pack_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "archive/entry_names.h"
#include "base/unique_fd.h"

namespace hearth::archive {
namespace {

class FileSource {
 public:
  FileSource(std::string path, std::uint64_t size, PackProgress& progress)
      : path_(std::move(path)), size_(size), progress_(progress) {
    zip_error_init(&error_);
  }
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;
  ~FileSource() { zip_error_fini(&error_); }

  zip_int64_t open() {
    fd_.reset(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    return fd_.valid() ? 0 : fail(ZIP_ER_OPEN);
  }

  zip_int64_t read(void* data, zip_uint64_t size) {
    ssize_t got = 0;
    do {
      got = ::read(fd_.get(), data, size);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
      return fail(ZIP_ER_READ);
    }
    progress_.bytes += static_cast<std::uint64_t>(got);
    return got;
  }

  zip_int64_t close() {
    fd_.reset();
    progress_.files += 1;
    if (progress_.report) {
      progress_.report(progress_.files, progress_.bytes);
    }
    return 0;
  }

  // The size only tells libzip that no zip64 field is needed; what is written is what it counts.
  zip_int64_t stat(zip_stat_t* stat) const {
    zip_stat_init(stat);
    stat->valid = ZIP_STAT_SIZE;
    stat->size = size_;
    return sizeof(zip_stat_t);
  }

  zip_error_t* error() { return &error_; }

 private:
  zip_int64_t fail(int code) {
    const int saved_errno = errno;
    zip_error_set(&error_, code, saved_errno);
    if (!progress_.failure) {
      progress_.failure = base::io_error(fmt::format("cannot read {}", quoted(path_)), saved_errno);
    }
    return -1;
  }

  const std::string path_;
  const std::uint64_t size_;  // when the folder was scanned
  PackProgress& progress_;
  base::UniqueFd fd_;
  zip_error_t error_;
};

zip_int64_t serve(void* state, void* data, zip_uint64_t size, zip_source_cmd_t command) {
  auto* source = static_cast<FileSource*>(state);
  switch (command) {
    case ZIP_SOURCE_OPEN:
      return source->open();
    case ZIP_SOURCE_READ:
      return source->read(data, size);
    case ZIP_SOURCE_CLOSE:
      return source->close();
    case ZIP_SOURCE_STAT:
      return source->stat(static_cast<zip_stat_t*>(data));
    case ZIP_SOURCE_ERROR:
      return zip_error_to_data(source->error(), data, size);
    case ZIP_SOURCE_FREE:
      delete source;
      return 0;  // made by make_file_source(), owned by libzip
    case ZIP_SOURCE_SUPPORTS:
      return ZIP_SOURCE_SUPPORTS_READABLE;
    default:
      zip_error_set(source->error(), ZIP_ER_OPNOTSUPP, 0);
      return -1;
  }
}

}  // namespace

zip_source_t* make_file_source(zip_t* zip, const std::string& path, std::uint64_t size,
                               PackProgress& progress) {
  auto source = std::make_unique<FileSource>(path, size, progress);
  zip_source_t* made = zip_source_function(zip, serve, source.get());
  if (made != nullptr) {
    (void)source.release();
  }
  return made;
}

zip_source_t* make_text_source(zip_t* zip, const std::string& text) {
  return zip_source_buffer(zip, text.data(), text.size(), 0);
}

}  // namespace hearth::archive
