#include "archive/archive.h"
#include "archive/zip_reader.h"

namespace hearth::archive {

base::Result<Contents> inspect(int zip_fd, const Limits& limits) {
  auto reader = ZipReader::open(zip_fd, limits);
  if (!reader) {
    return reader.error();
  }
  for (const auto& file : reader->tree().files) {
    const auto ignore = [](std::string_view) -> base::Result<void> { return {}; };
    if (auto read = reader->read(file, ignore); !read) {
      return read.error();
    }
  }
  for (const auto& link : reader->tree().links) {
    if (auto target = reader->read_target(link, limits); !target) {
      return target.error();
    }
  }
  return reader->contents();
}

}  // namespace hearth::archive
