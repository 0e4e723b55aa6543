// The root folder that every sandbox of this server sees: composed once at start-up from exactly the
// host files that are named, read-only. A sandbox's own mount namespace holds a copy of these mounts;
// its child process pivots into that copy (linux/child_mounts.cc), so a start looks up no host path.
//
// Called by LinuxBackend::create() as root, inside enter_private_mounts(). One thread.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "sandbox/linux/options.h"

namespace hearth::sandbox {

class RootImage {
 public:
  // Mounts the image at <run_folder>/<tag>. kNotFound for a program or path that the host lacks; kIo.
  static base::Result<std::unique_ptr<RootImage>> compose(const LinuxOptions& options);

  RootImage(const RootImage&) = delete;
  RootImage& operator=(const RootImage&) = delete;
  // Unmounts it and removes the mount point. Sandboxes that run keep their own copy.
  ~RootImage();

  const std::string& path() const { return path_; }

 private:
  explicit RootImage(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace hearth::sandbox
