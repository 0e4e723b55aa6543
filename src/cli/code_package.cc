#include "cli/code_package.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "archive/archive.h"
#include "base/units.h"

namespace hearth::cli {
namespace {

namespace fs = std::filesystem;

// A private folder for one file, gone when this goes. The file, once open, may outlive it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::error_code failed;
    const fs::path parent = fs::temp_directory_path(failed);
    std::string pattern = ((failed ? fs::path("/tmp") : parent) / "hearth-deploy-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data()) == nullptr ? "" : pattern;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    if (!path_.empty()) {
      std::error_code ignored;
      fs::remove_all(path_, ignored);
    }
  }

  bool valid() const { return !path_.empty(); }
  std::string zip_path() const { return path_ + "/code.zip"; }

 private:
  std::string path_;
};

base::Result<CodePackage> open_zip(const std::string& path) {
  CodePackage package;
  package.zip.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!package.zip.valid() || ::fstat(package.zip.get(), &info) != 0) {
    return base::io_error(path, errno);
  }
  package.zip_bytes = static_cast<std::uint64_t>(info.st_size);
  return package;
}

base::Error with_path(const std::string& path, const base::Error& error) {
  const bool names_it = error.message.find(path) != std::string::npos;
  return {error.code, names_it ? error.message : path + ": " + error.message};
}

base::Result<CodePackage> pack(const std::string& folder, const PackProgress& progress) {
  const TemporaryFolder temporary;
  if (!temporary.valid()) {
    return base::io_error("cannot make a temporary folder (TMPDIR)", errno);
  }
  archive::PackOptions options;
  options.progress = progress;
  auto contents = archive::pack_folder(folder, temporary.zip_path(), options);
  if (!contents) {
    return with_path(folder, contents.error());
  }
  auto package = open_zip(temporary.zip_path());
  if (package) {
    package->unzipped_bytes = contents->unzipped_bytes;
    package->paths = std::move(contents->paths);
  }
  return package;
}

base::Result<void> check_size(const std::string& path, const CodePackage& package,
                              std::uint64_t limit_bytes) {
  if (package.zip_bytes <= limit_bytes) {
    return {};
  }
  constexpr auto kMb = static_cast<double>(base::kMiB);
  return base::Error{
      base::ErrorCode::kTooLarge,
      fmt::format("{} is {:.1f} MB zipped, and the limit is {} MB; leave files out with a .hearthignore",
                  path, static_cast<double>(package.zip_bytes) / kMb, limit_bytes / base::kMiB)};
}

// Reads the zip as the server will, so that a corrupt one is told before it is uploaded.
base::Result<CodePackage> open_and_inspect(const std::string& path, std::uint64_t limit_bytes) {
  auto package = open_zip(path);
  if (!package) {
    return package;
  }
  if (auto size = check_size(path, *package, limit_bytes); !size) {
    return size.error();
  }
  auto contents = archive::inspect(package->zip.get(), archive::Limits{});
  if (!contents) {
    return with_path(path, contents.error());
  }
  package->unzipped_bytes = contents->unzipped_bytes;
  package->paths = std::move(contents->paths);
  return package;
}

}  // namespace

base::Result<CodePackage> open_code(const std::string& path, std::uint64_t limit_bytes,
                                    const PackProgress& progress) {
  std::error_code failed;
  const fs::file_status status = fs::status(path, failed);
  if (!fs::exists(status)) {
    return base::Error{base::ErrorCode::kNotFound, fmt::format("there is no folder or zip '{}'", path)};
  }
  if (fs::is_regular_file(status)) {
    return open_and_inspect(path, limit_bytes);
  }
  if (!fs::is_directory(status)) {
    return base::Error{base::ErrorCode::kInvalidArgument,
                       fmt::format("'{}' is neither a folder nor a zip", path)};
  }
  auto package = pack(path, progress);
  if (package) {
    if (auto size = check_size(path, *package, limit_bytes); !size) {
      return size.error();
    }
  }
  return package;
}

std::string name_of_code(const std::string& path) {
  std::error_code failed;
  fs::path full = fs::weakly_canonical(path, failed);
  if (failed) {
    full = fs::path(path).lexically_normal();
  }
  if (!full.has_filename()) {
    full = full.parent_path();
  }
  return full.extension() == ".zip" ? full.stem().string() : full.filename().string();
}

base::Result<void> check_handler(const model::Runtime& runtime, std::string_view handler,
                                 const std::vector<std::string>& paths) {
  const std::string file = model::handler_file(handler);
  if (model::has_source(runtime, paths, file)) {
    return {};
  }
  // The usual slip: the folder itself was zipped, rather than what is in it.
  const std::string first = file + std::string(runtime.endings.front());
  for (const auto& path : paths) {
    const std::size_t slash = path.find('/');
    if (slash != std::string::npos && path.substr(slash + 1) == first) {
      return base::Error{
          base::ErrorCode::kNotFound,
          fmt::format("{0} is inside the folder '{1}', not at the top; deploy that folder's content, "
                      "or give --handler {1}/{2}",
                      first, path.substr(0, slash), handler)};
    }
  }
  for (const model::Runtime& other : model::runtimes()) {
    if (model::has_source(other, paths, file)) {
      return base::Error{base::ErrorCode::kNotFound,
                         fmt::format("there is no {} in it, but there is for --runtime {}",
                                     model::sources_of(runtime, file), other.name)};
    }
  }
  return base::Error{base::ErrorCode::kNotFound,
                     fmt::format("there is no {} in it, which the handler '{}' names; add it "
                                 "(is it in .hearthignore?) or name another with --handler",
                                 model::sources_of(runtime, file), handler)};
}

}  // namespace hearth::cli
