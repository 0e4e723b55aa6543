// Puts folders, files, links and read-only binds of host paths into a root that is being composed.
// Used by RootImage only. One thread.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::sandbox {

// Attributes of every mount of the composed root, beside read-only and no set-user-ID.
enum class Devices { kNone, kAllowed };

class RootWriter {
 public:
  explicit RootWriter(std::string root) : root_(std::move(root)) {}

  // All paths are absolute, as the inside sees them.
  base::Result<void> folder(const std::string& path);
  base::Result<void> file(const std::string& path, std::string_view text);
  base::Result<void> link(const std::string& path, const std::string& target);
  base::Result<void> device(const std::string& path, unsigned major, unsigned minor);
  base::Result<void> tmpfs(const std::string& path, const char* options);

  // A read-only view of one host file or folder (without what is mounted below it) at `inside`. A
  // path that is there already is left as it is: programs share libraries.
  base::Result<void> bind(const std::string& host, const std::string& inside);

  // Turns the file system mounted at `path` read-only; nothing can be added after that.
  base::Result<void> seal(const std::string& path, Devices devices);

 private:
  std::string place(const std::string& path) const { return root_ + path; }
  // "/lib/x" becomes "/usr/lib/x" where the host's /lib is a link to usr/lib; the link is made too.
  base::Result<std::string> through_merged_usr(const std::string& path);
  base::Result<void> mount_point(const std::string& path, bool is_folder);

  std::string root_;
  std::set<std::string> bound_;
};

}  // namespace hearth::sandbox
