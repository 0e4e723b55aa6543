#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>

#include "archive/archive.h"
#include "archive/entry_names.h"
#include "archive/folder_scan.h"
#include "archive/pack_source.h"

namespace hearth::archive {
namespace {

using base::Error;
using base::ErrorCode;
using base::Result;

// 1 January 1980, 00:00, the earliest that a zip can say.
constexpr std::uint16_t kFixedDosTime = 0;
constexpr std::uint16_t kFixedDosDate = 1U << 5U | 1U;

struct Discard {
  void operator()(zip_t* zip) const { zip_discard(zip); }
};
using Zip = std::unique_ptr<zip_t, Discard>;

Error zip_error(const std::string& zip_path, zip_t* zip) {
  return Error{ErrorCode::kIo, fmt::format("cannot write {}: {}", zip_path, zip_strerror(zip))};
}

Result<Zip> create(const std::string& zip_path) {
  int code = 0;
  Zip zip(zip_open(zip_path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code));
  if (zip) {
    return zip;
  }
  const int saved_errno = errno;
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string why =
      zip_error_system_type(&error) == ZIP_ET_SYS ? std::strerror(saved_errno) : zip_error_strerror(&error);
  zip_error_fini(&error);
  return Error{ErrorCode::kIo, fmt::format("cannot write {}: {}", zip_path, why)};
}

// libzip reads a source only when the zip is closed.
zip_source_t* make_source(zip_t* zip, const ScannedEntry& entry, PackProgress& progress) {
  switch (entry.kind) {
    case ScannedKind::kFile:
      return make_file_source(zip, entry.full_path, entry.size, progress);
    case ScannedKind::kSymlink:
      return make_text_source(zip, entry.link_target);
    case ScannedKind::kEmptyFolder:
      break;
  }
  return zip_source_buffer(zip, nullptr, 0, 0);
}

std::uint32_t unix_mode(const ScannedEntry& entry) {
  switch (entry.kind) {
    case ScannedKind::kFile:
      return S_IFREG | (entry.executable ? 0755U : 0644U);
    case ScannedKind::kSymlink:
      return S_IFLNK | 0777U;
    case ScannedKind::kEmptyFolder:
      break;
  }
  return S_IFDIR | 0755U;
}

Result<void> add_entry(zip_t* zip, const ScannedEntry& entry, const std::string& zip_path,
                       PackProgress& progress) {
  zip_source_t* source = make_source(zip, entry, progress);
  if (source == nullptr) {
    return zip_error(zip_path, zip);
  }
  const std::string name = entry.path + (entry.kind == ScannedKind::kEmptyFolder ? "/" : "");
  const zip_int64_t added = zip_file_add(zip, name.c_str(), source, ZIP_FL_ENC_UTF_8);
  if (added < 0) {
    zip_source_free(source);
    return zip_error(zip_path, zip);
  }
  const auto index = static_cast<zip_uint64_t>(added);
  const bool compress = entry.kind == ScannedKind::kFile && entry.size > 0;
  // What a zip would otherwise take from the file, the clock and the time zone is fixed.
  if (zip_set_file_compression(zip, index, compress ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0) != 0 ||
      zip_file_set_dostime(zip, index, kFixedDosTime, kFixedDosDate, 0) != 0 ||
      zip_file_set_external_attributes(zip, index, 0, ZIP_OPSYS_UNIX, unix_mode(entry) << 16U) != 0) {
    return zip_error(zip_path, zip);
  }
  return {};
}

Result<std::string> read_ignore_file(const std::string& folder, const std::string& name) {
  const std::string path = folder + "/" + name;
  if (name.empty() || ::access(path.c_str(), F_OK) != 0) {
    return std::string();
  }
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file || file.bad()) {
    return Error{ErrorCode::kIo, fmt::format("cannot read {}", path)};
  }
  return text;
}

Result<IgnoreRules> load_rules(const std::string& folder, const std::string& ignore_file) {
  const auto text = read_ignore_file(folder, ignore_file);
  if (!text) {
    return text.error();
  }
  IgnoreRules rules;
  rules.add(".git\n");
  if (!ignore_file.empty()) {
    rules.add("/" + ignore_file);
  }
  rules.add(*text);
  return rules;
}

Contents contents_of(const std::vector<ScannedEntry>& entries) {
  Contents contents;
  for (const auto& entry : entries) {
    contents.unzipped_bytes += entry.size;
    if (entry.kind == ScannedKind::kFile) {
      contents.files += 1;
      contents.paths.push_back(entry.path);
    }
  }
  return contents;
}

}  // namespace

Result<Contents> pack_folder(const std::string& folder, const std::string& zip_path,
                             const PackOptions& options) {
  const auto rules = load_rules(folder, options.ignore_file);
  if (!rules) {
    return rules.error();
  }
  const auto entries = scan_folder(folder, *rules, zip_path);
  if (!entries) {
    return entries.error();
  }
  Contents contents = contents_of(*entries);
  if (contents.files == 0) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("{} has no file to pack", folder)};
  }
  auto zip = create(zip_path);
  if (!zip) {
    return zip.error();
  }
  PackProgress progress{options.progress};
  for (const auto& entry : *entries) {
    if (auto added = add_entry(zip->get(), entry, zip_path, progress); !added) {
      return added.error();
    }
  }
  if (zip_close(zip->get()) != 0) {
    return progress.failure ? *progress.failure : zip_error(zip_path, zip->get());
  }
  (void)zip->release();  // closed
  return contents;
}

}  // namespace hearth::archive
