#include "sandbox/linux/library_closure.h"

#include <elf.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <sstream>

#include "base/unique_fd.h"

namespace hearth::sandbox {
namespace {

constexpr std::size_t kProgramHeadersMax = 128;
constexpr std::size_t kLoaderPathMax = 4096;

template <typename T>
bool read_at(int fd, std::uint64_t offset, T* into, std::size_t bytes) {
  return ::pread(fd, into, bytes, static_cast<off_t>(offset)) == static_cast<ssize_t>(bytes);
}

// The loader that the program asks for (PT_INTERP, elf(5)); empty when it is static.
base::Result<std::string> find_loader(const std::string& program) {
  const base::UniqueFd fd(::open(program.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    return base::Error{base::ErrorCode::kNotFound,
                       "cannot read program " + program + ": " + std::strerror(errno)};
  }
  Elf64_Ehdr header{};
  if (!read_at(fd.get(), 0, &header, sizeof header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phnum > kProgramHeadersMax) {
    return base::Error{base::ErrorCode::kUnsupported, program + " is not a 64-bit ELF program"};
  }
  std::vector<Elf64_Phdr> segments(header.e_phnum);
  if (!read_at(fd.get(), header.e_phoff, segments.data(), segments.size() * sizeof(Elf64_Phdr))) {
    return base::Error{base::ErrorCode::kUnsupported, program + " has no readable program headers"};
  }
  for (const auto& segment : segments) {
    if (segment.p_type == PT_INTERP && segment.p_filesz > 1 && segment.p_filesz <= kLoaderPathMax) {
      std::string path(segment.p_filesz, '\0');
      if (read_at(fd.get(), segment.p_offset, path.data(), path.size())) {
        return std::string(path.c_str());  // without the NUL
      }
    }
  }
  return std::string();
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; (n = ::read(fd, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return text;
}

// What `loader --list program` prints, or nothing when it fails. `preloaded`: shared objects that are loaded
// before it.
std::optional<std::string> ask_loader(const std::string& loader, const std::string& program,
                                      const std::string& preloaded = {}) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return std::nullopt;
  }
  const base::UniqueFd from(ends[0]);
  base::UniqueFd into(ends[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, into.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::array<std::string, 5> words = {loader, "--preload", preloaded, "--list", program};
  std::array<char*, 6> arguments{};  // the last stays null
  std::transform(words.begin(), words.end(), arguments.begin(),
                 [](std::string& word) { return word.data(); });
  std::array<char*, 1> environment{nullptr};  // no LD_LIBRARY_PATH: the inside has none either
  pid_t pid = -1;
  const int failed =
      ::posix_spawn(&pid, loader.c_str(), &actions, nullptr, arguments.data(), environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    return std::nullopt;
  }
  into.reset();
  auto text = read_all(from.get());
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid || status != 0) {
    return std::nullopt;
  }
  return text;
}

}  // namespace

// "\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)", "\t/lib64/ld-linux-x86-64.so.2 (0x…)",
// "\tlinux-vdso.so.1 (0x…)"
std::vector<std::string> parse_loader_list(std::string_view text) {
  std::vector<std::string> paths;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    const auto start = line.find('/');
    const auto end = line.rfind(" (0x");
    if (start != std::string::npos && end != std::string::npos && start < end) {
      paths.push_back(line.substr(start, end - start));
    }
  }
  return paths;
}

base::Result<std::vector<std::string>> library_closure(const std::string& program) {
  auto loader = find_loader(program);
  if (!loader) {
    return loader.error();
  }
  if (loader->empty()) {
    return std::vector<std::string>();
  }
  const auto text = ask_loader(*loader, program);
  if (!text || text->find("not found") != std::string::npos) {
    return base::Error{base::ErrorCode::kIo,
                       "a shared library of " + program + " is missing; see `ldd " + program + "` for which"};
  }
  auto paths = parse_loader_list(*text);
  paths.push_back(*loader);
  return paths;
}

base::Result<std::vector<std::string>> extension_closure(const std::string& program,
                                                         const std::string& folder) {
  auto loader = find_loader(program);
  if (!loader) {
    return loader.error();
  }
  std::string objects;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
    if (entry.path().extension() == ".so") {
      objects += entry.path().string() + ' ';
    }
  }
  if (failed) {
    return base::io_error("cannot read " + folder, failed.value());
  }
  const auto text = loader->empty() ? std::nullopt : ask_loader(*loader, program, objects);
  auto paths = parse_loader_list(text.value_or(""));
  std::erase_if(paths, [&](const std::string& path) { return path.starts_with(folder + "/"); });
  return paths;
}

}  // namespace hearth::sandbox
