#include "archive/zip_builder.h"

#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include <cassert>

namespace hearth::archive {
namespace {

std::string little_endian(std::uint64_t value, int width) {
  std::string bytes;
  for (int i = 0; i < width; ++i) {
    bytes += static_cast<char>(value >> (8 * i) & 0xFF);
  }
  return bytes;
}

// What both headers share, from the flags to the uncompressed size.
std::string common_fields(const BuiltEntry& entry, std::uint32_t crc, std::uint32_t packed_size,
                          std::uint32_t size) {
  const std::uint16_t flags = static_cast<std::uint16_t>(entry.flags | (entry.descriptor ? 8U : 0U));
  return le16(flags) + le16(entry.method) + le16(0) + le16(0x21) + le32(crc) + le32(packed_size) + le32(size);
}

struct Written {
  std::string packed;
  std::uint32_t crc = 0;
  std::uint32_t size = 0;
  std::uint32_t packed_size = 0;
  std::uint32_t offset = 0;
};

Written write_local(const BuiltEntry& entry, std::string& out) {
  Written written;
  written.packed = entry.packed.value_or(entry.method == 8 ? deflated(entry.content) : entry.content);
  written.crc = entry.crc.value_or(crc_of(entry.content));
  written.size = entry.size.value_or(static_cast<std::uint32_t>(entry.content.size()));
  written.packed_size = entry.packed_size.value_or(static_cast<std::uint32_t>(written.packed.size()));
  written.offset = entry.header_offset.value_or(static_cast<std::uint32_t>(out.size()));
  if (entry.no_local) {
    return written;
  }
  const std::string name = entry.local_name.value_or(entry.name);
  out += "PK\3\4" + le16(20);
  out += entry.descriptor ? common_fields(entry, 0, 0, 0)
                          : common_fields(entry, written.crc, written.packed_size,
                                          entry.local_size.value_or(written.size));
  out += le16(name.size()) + le16(entry.local_extra.size()) + name + entry.local_extra + written.packed;
  if (entry.descriptor) {
    out += "PK\7\10" + le32(written.crc) + le32(written.packed_size) + le32(written.size);
  }
  return written;
}

std::string central_record(const BuiltEntry& entry, const Written& written) {
  return "PK\1\2" + le16(0x0315) + le16(20) +
         common_fields(entry, written.crc, written.packed_size, written.size) + le16(entry.name.size()) +
         le16(entry.central_extra.size()) + le16(0) + le16(0) + le16(0) +
         le32(static_cast<std::uint64_t>(entry.unix_mode) << 16U) + le32(written.offset) + entry.name +
         entry.central_extra;
}

std::string zip64_end(std::uint64_t entries, std::uint64_t size, std::uint64_t offset,
                      std::uint64_t position) {
  return "PK\6\6" + le64(44) + le16(45) + le16(45) + le32(0) + le32(0) + le64(entries) + le64(entries) +
         le64(size) + le64(offset) + "PK\6\7" + le32(0) + le64(position) + le32(1);
}

}  // namespace

std::string le16(std::uint64_t value) { return little_endian(value, 2); }
std::string le32(std::uint64_t value) { return little_endian(value, 4); }
std::string le64(std::uint64_t value) { return little_endian(value, 8); }

std::string build_zip(const std::vector<BuiltEntry>& entries, const BuiltEnd& end) {
  std::string zip;
  std::string directory;
  for (const auto& entry : entries) {
    const Written written = write_local(entry, zip);
    directory += central_record(entry, written);
  }
  const std::uint64_t count = end.entries.value_or(static_cast<std::uint16_t>(entries.size()));
  const std::uint64_t size = end.directory_size.value_or(static_cast<std::uint32_t>(directory.size()));
  const std::uint64_t offset = end.directory_offset.value_or(static_cast<std::uint32_t>(zip.size()));
  zip += directory;
  if (end.zip64) {
    zip += zip64_end(count, size, offset, zip.size());
  }
  const auto shown = [&](std::uint64_t value, std::uint64_t saturated) {
    return end.zip64 ? saturated : value;
  };
  return zip + "PK\5\6" + le16(end.disk) + le16(end.disk) + le16(shown(count, 0xFFFF)) +
         le16(shown(count, 0xFFFF)) + le32(shown(size, 0xFFFFFFFF)) + le32(shown(offset, 0xFFFFFFFF)) +
         le16(end.comment.size()) + end.comment;
}

std::string deflated(const std::string& content) {
  z_stream stream{};
  [[maybe_unused]] int done = deflateInit2(&stream, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  done = deflate(&stream, Z_FINISH);
  assert(done == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::uint32_t crc_of(const std::string& content) {
  return static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size())));
}

base::UniqueFd as_file(const std::string& bytes) {
  base::UniqueFd file(::memfd_create("zip", MFD_CLOEXEC));
  [[maybe_unused]] const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
  assert(written == static_cast<ssize_t>(bytes.size()));
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

}  // namespace hearth::archive
