// The root folder that every sandbox of this server sees: composed once at start-up from exactly the
// host files that are named, read-only, in a mount namespace that holds nothing else. A sandbox's own
// mount namespace is a copy of that one (linux/child_mounts.cc), so a start looks up no host path, and
// copies and takes down no mount of the host's.
//
// Called by LinuxBackend::create() as root, inside enter_private_mounts(). One thread.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/linux/options.h"

namespace hearth::sandbox {

class RootImage {
 public:
  // Composes it at <run_folder>/<tag>, which is an empty folder from then on. kNotFound for a program or path
  // that the host lacks; kIo.
  static base::Result<std::unique_ptr<RootImage>> compose(const LinuxOptions& options);

  RootImage(const RootImage&) = delete;
  RootImage& operator=(const RootImage&) = delete;
  // Sandboxes that run keep their own copy.
  ~RootImage();

  // The mount namespace whose root this is, for setns(2).
  int mounts() const { return mounts_.get(); }

 private:
  explicit RootImage(std::string path) : path_(std::move(path)) {}

  std::string path_;
  base::UniqueFd mounts_;
};

}  // namespace hearth::sandbox
