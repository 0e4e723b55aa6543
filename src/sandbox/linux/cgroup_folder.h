// One folder of one cgroup hierarchy: a name below an open folder, and a descriptor of its own for as long
// as that is needed. (A start pays for every descriptor that the launcher has open.) Used by the v1 and the
// v2 cgroups. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hearth::sandbox {

class CgroupFolder {
 public:
  CgroupFolder() = default;  // holds nothing
  CgroupFolder(CgroupFolder&& other) noexcept
      : above_(std::exchange(other.above_, -1)), name_(std::move(other.name_)), fd_(std::move(other.fd_)) {}
  CgroupFolder& operator=(CgroupFolder&& other) noexcept {
    above_ = std::exchange(other.above_, -1);
    name_ = std::move(other.name_);
    fd_ = std::move(other.fd_);
    return *this;
  }
  ~CgroupFolder() = default;

  // The mount point of a hierarchy.
  static base::Result<CgroupFolder> mount_root(const std::string& path);
  // The folder `name` below this one, made when absent. This one outlives it and keeps its descriptor.
  base::Result<CgroupFolder> child(const std::string& name) const;
  // The same, but it must not exist yet: kAlreadyExists.
  base::Result<CgroupFolder> new_child(const std::string& name) const;

  bool valid() const { return fd_.valid() || above_ >= 0; }
  int fd() const { return fd_.get(); }
  // Gives the descriptor up; a name is looked up from then on.
  void close() { fd_.reset(); }
  bool has(const char* file) const;
  base::Result<void> write(const char* file, std::string_view value) const;
  base::Result<void> write(const char* file, std::uint64_t value) const;
  // Empty when it cannot be read: a cgroup's files exist as long as the folder does.
  std::string read(const char* file) const;
  std::optional<std::uint64_t> read_number(const char* file) const;
  // The number after `key` in a file of "key number" lines; 0 when there is none.
  std::uint64_t read_keyed(const char* file, std::string_view key) const;
  base::Result<base::UniqueFd> open_file(const char* file, int flags) const;
  // Invalid when it cannot be opened.
  base::UniqueFd open_if_there(const char* file, int flags) const;

  std::vector<std::string> children() const;
  // SIGKILL to every process in it: cgroup.kill where the kernel has it, else one by one.
  void kill_all() const;
  // rmdir(2). True when the folder is gone (or this holds nothing), false while it is busy.
  bool remove();

 private:
  CgroupFolder(int above, std::string name, base::UniqueFd fd)
      : above_(above), name_(std::move(name)), fd_(std::move(fd)) {}
  base::Result<CgroupFolder> open_child(const std::string& name) const;
  // openat(2) of something in this folder.
  base::UniqueFd open_within(const char* path, int flags) const;

  int above_ = -1;  // the parent's descriptor; -1 for a mount's root
  std::string name_;
  base::UniqueFd fd_;
};

}  // namespace hearth::sandbox
