#include "archive/zip_reader.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "archive/entry_names.h"
#include "base/unique_fd.h"

namespace hearth::archive {
namespace {

using base::Error;
using base::ErrorCode;
using base::Result;

Error bad(std::string message) { return Error{ErrorCode::kInvalidArgument, std::move(message)}; }

Error bad_entry(const ZipRecord& record, std::string_view why) {
  return bad(fmt::format("the entry {} {}", quoted(record.name), why));
}

Error open_error(int libzip_code) {
  zip_error_t error;
  zip_error_init_with_code(&error, libzip_code);
  std::string message = fmt::format("the zip cannot be read: {}", zip_error_strerror(&error));
  zip_error_fini(&error);
  return bad(std::move(message));
}

Error read_error(const ZipRecord& record, zip_error_t* error) {
  const int code = zip_error_code_zip(error);
  if (code == ZIP_ER_CRC) {
    return bad_entry(record, "is damaged: its content fails the CRC check");
  }
  if (code == ZIP_ER_INCONS) {
    return bad_entry(record, "holds another number of bytes than it states");
  }
  if (code == ZIP_ER_READ && zip_error_code_system(error) != 0) {
    return base::io_error(fmt::format("cannot read the entry {}", quoted(record.name)),
                          zip_error_code_system(error));
  }
  return bad_entry(record, fmt::format("is damaged: {}", zip_error_strerror(error)));
}

// libzip finds the directory by its own rules. It must have found the one that was checked: what it
// reads is then bounded by the sizes that were.
bool same_entry(zip_t* zip, std::uint64_t index, const ZipRecord& record) {
  zip_stat_t stat;
  if (zip_stat_index(zip, index, 0, &stat) != 0) {
    return false;
  }
  return stat.size == record.size && stat.comp_size == record.packed_size && stat.crc == record.crc &&
         stat.comp_method == record.method && stat.encryption_method == ZIP_EM_NONE;
}

}  // namespace

Result<ZipReader> ZipReader::open(int zip_fd, const Limits& limits) {
  auto records = read_directory(zip_fd, limits);
  if (!records) {
    return records.error();
  }
  auto tree = build_tree(*records, limits);
  if (!tree) {
    return tree.error();
  }
  ZipReader reader;
  reader.records_ = std::move(*records);
  reader.tree_ = std::move(*tree);
  reader.piece_.resize(kPieceBytes);
  if (auto opened = reader.open_with_libzip(zip_fd); !opened) {
    return opened.error();
  }
  return reader;
}

Result<void> ZipReader::open_with_libzip(int zip_fd) {
  base::UniqueFd copy(::fcntl(zip_fd, F_DUPFD_CLOEXEC, 0));
  if (!copy.valid()) {
    return base::io_error("cannot read the zip", errno);
  }
  int code = 0;
  zip_.reset(zip_fdopen(copy.get(), ZIP_RDONLY, &code));
  if (!zip_) {
    return open_error(code);
  }
  (void)copy.release();  // libzip has closed it and reads from a duplicate of its own
  if (zip_get_num_entries(zip_.get(), 0) != static_cast<zip_int64_t>(records_.size())) {
    return bad("the zip can be read in two ways");
  }
  for (std::size_t i = 0; i < records_.size(); ++i) {
    if (!same_entry(zip_.get(), i, records_[i])) {
      return bad_entry(records_[i], "can be read in two ways");
    }
  }
  return {};
}

Result<void> ZipReader::read(const TreeFile& file, const Sink& sink) { return read_entry(file.index, sink); }

Result<std::string> ZipReader::read_target(const TreeLink& link, const Limits& limits) {
  std::string target;
  auto read = read_entry(link.index, [&](std::string_view piece) -> Result<void> {
    target += piece;
    return {};
  });
  if (!read) {
    return read.error();
  }
  if (auto checked = check_link_target(link.path, target, limits); !checked) {
    return checked.error();
  }
  return target;
}

Result<void> ZipReader::read_entry(std::uint64_t index, const Sink& sink) {
  const ZipRecord& record = records_[index];
  zip_file_t* file = zip_fopen_index(zip_.get(), index, 0);
  if (file == nullptr) {
    return read_error(record, zip_get_error(zip_.get()));
  }
  auto pumped = pump(file, record, sink);
  zip_fclose(file);
  return pumped;
}

Result<void> ZipReader::pump(zip_file_t* file, const ZipRecord& record, const Sink& sink) {
  std::uint64_t left = record.size;
  while (true) {
    const zip_int64_t got = zip_fread(file, piece_.data(), piece_.size());
    if (got < 0) {
      return read_error(record, zip_file_get_error(file));
    }
    const auto bytes = static_cast<std::uint64_t>(got);
    if (bytes > left) {
      return bad_entry(record, fmt::format("holds more than the {} bytes that it states", record.size));
    }
    if (bytes == 0) {
      break;
    }
    left -= bytes;
    if (auto taken = sink(std::string_view(piece_.data(), bytes)); !taken) {
      return taken;
    }
  }
  return left == 0
             ? Result<void>()
             : bad_entry(record, fmt::format("holds fewer than the {} bytes that it states", record.size));
}

Contents ZipReader::contents() const {
  Contents contents;
  contents.unzipped_bytes = tree_.unzipped_bytes;
  contents.files = static_cast<std::uint32_t>(tree_.files.size());
  contents.paths.reserve(tree_.files.size());
  for (const auto& file : tree_.files) {
    contents.paths.push_back(file.path);
  }
  return contents;
}

}  // namespace hearth::archive
