// Any bytes as an uploaded zip: inspect() and unpack() agree, stay within the limits and write
// nothing but below the folder that they were given.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "archive/archive.h"
#include "base/unique_fd.h"

namespace {

namespace fs = std::filesystem;
using hearth::base::UniqueFd;

void require(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "broken promise: %s\n", what);
    std::abort();
  }
}

UniqueFd as_file(const std::uint8_t* data, std::size_t size) {
  UniqueFd file(::memfd_create("zip", MFD_CLOEXEC));
  require(::write(file.get(), data, size) == static_cast<ssize_t>(size), "the input can be written");
  return file;
}

// <root>/in is unpacked into. In memory, and removed at the end.
class Scratch {
 public:
  Scratch() {
    std::string pattern = "/dev/shm/hearth-zip-fuzz-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { fs::remove_all(root_); }

  UniqueFd make_folder() const {
    fs::create_directory(root_ / "in");
    return UniqueFd(::open((root_ / "in").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }

  // Returns the bytes of the regular files and symlink targets.
  std::uint64_t check_and_empty() const {
    std::uint64_t entries = 0;
    for (const auto& entry : fs::directory_iterator(root_)) {
      require(entry.path().filename() == "in", "nothing is written beside the folder");
      ++entries;
    }
    require(entries == 1, "the folder is still there");
    std::uint64_t bytes = 0;
    for (const auto& entry : fs::recursive_directory_iterator(root_ / "in")) {
      bytes += check(entry);
    }
    fs::remove_all(root_ / "in");
    return bytes;
  }

 private:
  std::uint64_t check(const fs::directory_entry& entry) const {
    if (entry.is_symlink()) {
      // Not the link itself: one that leads nowhere would be taken for a plain name.
      const auto target = entry.path().parent_path() / fs::read_symlink(entry.path());
      std::error_code loop;  // links in a circle lead nowhere
      const auto meant = fs::weakly_canonical(target, loop).string() + "/";
      require(loop || meant.starts_with((root_ / "in/").string()), "a symlink stays inside");
      return fs::read_symlink(entry.path()).string().size();
    }
    const auto mode = entry.symlink_status().permissions();
    require(mode == fs::perms(0644) || mode == fs::perms(0755), "modes are plain");
    require(entry.is_directory() || entry.is_regular_file(), "only folders, files and symlinks are made");
    return entry.is_regular_file() ? entry.file_size() : 0;
  }

  fs::path root_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Scratch scratch;
  const hearth::archive::Limits limits{
      .unzipped_bytes = 64 * 1'024, .entries = 100, .path_bytes = 256, .path_depth = 8};
  const UniqueFd zip = as_file(data, size);
  const auto inspected = hearth::archive::inspect(zip.get(), limits);
  const auto unpacked = hearth::archive::unpack(zip.get(), scratch.make_folder().get(), limits);
  const std::uint64_t bytes = scratch.check_and_empty();
  require(bytes <= limits.unzipped_bytes, "no more is written than the limit");
  require(inspected.ok() == unpacked.ok(), "inspect and unpack decide alike");
  if (unpacked.ok()) {
    require(*inspected == *unpacked && bytes == unpacked->unzipped_bytes,
            "what is reported is what is there");
  }
  return 0;
}
